import { shown } from '../data/store.ts'
import { whole } from '../words/format.ts'
import { words } from '../words/language.ts'
import { Panel } from './Panel.tsx'

/** How far each partition of the log is archived. */
export function Pipeline() {
  const w = words.value
  const lag = shown.lag.value
  const partitions = lag?.partitions ?? []
  const some = lag !== undefined && partitions.length < lag.count
  return (
    <Panel
      id="lag"
      title={w.pipeline}
      note={some ? w.partitionsShown(whole(partitions.length), whole(lag.count)) : w.pipelineNote}
    >
      <table class="numbers">
        <thead>
          <tr>
            <th scope="col">{w.partition}</th>
            <th scope="col">{w.end}</th>
            <th scope="col">{w.archived}</th>
            <th scope="col">{w.lag}</th>
          </tr>
        </thead>
        <tbody>
          {partitions.map(({ partition, end, archived, lag: waiting }) => (
            <tr key={partition}>
              <th scope="row">{partition}</th>
              <td>{whole(end)}</td>
              <td>{whole(archived)}</td>
              <td class={waiting > 0 ? 'behind-by' : ''}>{whole(waiting)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Panel>
  )
}
