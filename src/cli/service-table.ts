/** How the services of a local cluster are shown. */
import type { ServiceStatus } from '../cluster/services.ts'
import { formatTable } from './format.ts'

export function serviceTable(services: readonly ServiceStatus[]): string {
  const rows = services.map(({ name, state, engine, pid, address, since, note }) => [
    name,
    state,
    engine,
    pid === undefined ? '-' : String(pid),
    address,
    since === undefined ? '-' : `${since.slice(0, 19).replace('T', ' ')} UTC`,
    note ?? '',
  ])
  return formatTable([['SERVICE', 'STATE', 'BY', 'PID', 'ADDRESS', 'SINCE', ''], ...rows])
}
