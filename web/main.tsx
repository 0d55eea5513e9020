import { render } from 'preact'
import { start } from './data/connection.ts'
import { Page } from './page/Page.tsx'

const root = document.getElementById('page')
if (root) render(<Page />, root)
start()
