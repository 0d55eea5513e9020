import { words } from '../words/language.ts'

export function Footer() {
  const w = words.value
  return (
    <footer>
      <p>{w.footer}</p>
      <ul>
        <li>
          <a href="/docs">{w.api}</a>
        </li>
        <li>
          <a href="/metrics">{w.metrics}</a>
        </li>
        <li>
          <a href="/health">{w.health}</a>
        </li>
      </ul>
    </footer>
  )
}
