import { hasCode, MusicFakerError } from '../../errors.ts'
import type { LakeStorage } from '../../lake/storage.ts'
import type { EventLog } from '../../log/log.ts'
import { command } from '../command.ts'
import type { Context } from '../context.ts'
import { PROGRAM } from '../program-name.ts'
import { isDashboard } from '../running-dashboard.ts'
import { DASHBOARD_SETTINGS, LAKE_SETTINGS, LOG_SETTINGS } from '../settings.ts'
import { untilAborted } from './dashboard.ts'

export const demo = command({
  examples: ['demo', 'demo --profile cluster', 'demo --json'],
  description:
    'Shows the whole flow in under a minute and explains it: events are produced and archived, the archiver is killed on the way, another takes over, and the lake is verified. On a terminal the page stays until Ctrl-C.',
  settings: [...LOG_SETTINGS, ...LAKE_SETTINGS, ...DASHBOARD_SETTINGS],
  drains: true,
  async run(context) {
    const { config, out, signal, openLog, openLake } = context
    const { runDemo } = await import('../../demo.ts')
    const [log, lake] = [await openLog(), await openLake()]
    const page = await openPage(context, log, lake)
    out.say(`\nThe page: ${page.url}\n`)
    const verdict = await runDemo({
      config,
      log,
      lake,
      signal,
      onStep: (number, title) => out.say(`\n${out.paintTalk('bold', `${number}. ${title}`)}`),
      onLine: (line) => out.say(`   ${line}`),
    })
    out.say('')
    if (!verdict.ok)
      throw new MusicFakerError('VERIFY_FAILED', verdict.problems[0] ?? 'the lake does not verify', {
        next: 'Run: music-faker verify --deep',
      })
    const text = `It works: every event of the log is in the lake exactly once, although the archiver was killed.`
    await out.result({ ...verdict, url: page.url }, `${out.paint('green', text)}\nThe page: ${page.url}`)
    if (!page.ours) return
    if (!out.terminal) out.say(`To open it: ${PROGRAM} dashboard`)
    else {
      out.say('It stays until Ctrl-C.')
      await untilAborted(signal)
    }
  },
})

/** Serves the page, unless a dashboard has the port already: then it is that one's. */
async function openPage(context: Context, log: EventLog, lake: LakeStorage): Promise<{ url: string; ours: boolean }> {
  const { servePage } = await import('../page.ts')
  try {
    return { url: (await servePage(context, log, lake)).url, ours: true }
  } catch (error) {
    const { host, port } = context.config
    if (!hasCode(error, 'PORT_TAKEN') || !(await isDashboard(host, port))) throw error
    return { url: `http://localhost:${port}`, ours: false }
  }
}
