/**
 * Preloaded into a process that is measured (`node --import`): tells on its end what it took, on the descriptor 3. Not
 * TypeScript, or what strips types would be loaded and measured as well.
 */
import { writeSync } from 'node:fs'

process.on('exit', () => {
  const { user, system } = process.cpuUsage()
  writeSync(3, JSON.stringify({ cpuSeconds: (user + system) / 1e6, peakMiB: process.resourceUsage().maxRSS / 1024 }))
})
