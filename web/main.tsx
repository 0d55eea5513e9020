import './data/locale.ts'
import { render } from 'preact'
import { start } from './data/connection.ts'
import { listenToKeys } from './data/keys.ts'
import { FIND_ID } from './page/Find.tsx'
import { openHelp } from './page/Help.tsx'
import { Page } from './page/Page.tsx'

const root = document.getElementById('page')
if (root) render(<Page />, root)
start()
listenToKeys({ find: () => document.getElementById(FIND_ID)?.focus(), help: openHelp })
