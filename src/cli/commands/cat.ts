import { MusicFakerError } from '../../errors.ts'
import { command } from '../command.ts'
import { escapeControls } from '../format.ts'
import { expand } from '../lake-paths.ts'
import { LAKE_SETTINGS } from '../settings.ts'

export const cat = command({
  examples: [
    "cat 'year=*/month=*/day=*/batch_*'",
    "cat '_quarantine/day=*/*'",
    "cat 'year=2025/month=07/day=*/*' | head -n 3",
  ],
  description:
    'Files are streamed byte for byte; on a terminal control characters are shown as \\uXXXX. They are JSON lines in any case, with and without --json.',
  operands: [{ name: 'PATH...', help: 'files; relative to the root of the lake; * and ? match in names' }],
  settings: LAKE_SETTINGS,
  async run({ config, out, openLake }, { operands }) {
    const lake = await openLake()
    for (const typed of operands) {
      for await (const { kind, path } of expand(lake, config.topic, typed)) {
        if (kind === 'directory') {
          throw new MusicFakerError('USAGE', `${path} is a folder`, {
            next: `See its files with: music-faker ls -R ${path}`,
          })
        }
        const decoder = new TextDecoder()
        for await (const chunk of lake.stream(path)) {
          // A chunk may end inside a character, which only the decoder's stream mode joins again.
          await out.write(out.terminal ? escapeControls(decoder.decode(chunk, { stream: true }), true) : chunk)
        }
      }
    }
  },
})
