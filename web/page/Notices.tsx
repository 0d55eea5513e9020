import type { DependencyHealth } from '../../src/dashboard/api.ts'
import { now, shown } from '../data/store.ts'
import { span } from '../words/format.ts'
import { words } from '../words/language.ts'

/** What is wrong, since when, and what to do about it: nothing where all is well. */
export function Notices() {
  const health = shown.health.value
  const problems = shown.problems.value ?? []
  return (
    <>
      {health && <Failure what={words.value.log} health={health.log} />}
      {health && <Failure what={words.value.lake} health={health.lake} />}
      {problems.length > 0 && (
        <div class="notice" role="alert">
          <strong>{words.value.problemsTitle}</strong>
          <ul>
            {problems.map(({ message, next }) => (
              <li key={message}>
                <bdi>{message}</bdi> <bdi>{next}</bdi>
              </li>
            ))}
          </ul>
        </div>
      )}
    </>
  )
}

function Failure({ what, health }: { what: string; health: DependencyHealth }) {
  if (health.state === 'ok') return null
  return (
    <div class="notice">
      <p>
        <strong role="alert">{words.value.fails(what)}</strong>{' '}
        {words.value.sinceSpan(span(now.value - Date.parse(health.since)))}
      </p>
      <p>
        <bdi>{health.reason}</bdi>
      </p>
      {health.next && (
        <p>
          <bdi>{health.next}</bdi>
        </p>
      )}
    </div>
  )
}
