/** Asks the REST API of a running command, and holds its answers against the lake. */
import { expect } from 'vitest'
import type { MusicEvent } from '../../src/event.ts'
import type { RunningCommand } from '../cli/music-faker.ts'
import { eventually } from './shell.ts'

/** The address of the page, as soon as the command has printed it. */
export async function pageAddress(command: RunningCommand): Promise<string> {
  const address = /https?:\/\/\S+/
  await command.until(({ stdout }) => address.test(stdout))
  return address.exec(command.stdout)?.[0] ?? ''
}

export async function ask<T>(url: string, path: string): Promise<T> {
  const response = await fetch(new URL(path, url))
  expect(response.status, path).toBe(200)
  return (await response.json()) as T
}

/** Every figure that clients of the Python version read, and the distributions, are those of the lake's events. */
export async function expectApiEqualsLake(url: string, lines: readonly string[]): Promise<void> {
  const events = lines.map((line) => JSON.parse(line) as MusicEvent)
  const distinct = (of: (event: MusicEvent) => string) => new Set(events.map(of)).size
  await eventually(async () =>
    expect(await ask(url, '/api/stats')).toMatchObject({
      total_events: events.length,
      unique_artists: distinct(({ artist }) => artist),
      unique_tracks: distinct(({ artist, track }) => `${artist}\n${track}`),
      unique_users: distinct(({ user }) => user),
      last_update: expect.stringMatching(/^\d\d:\d\d:\d\d$/),
    }),
  )
  expect(await ask(url, '/api/realtime_metrics')).toMatchObject({
    status: 'ok',
    total_events: events.length,
    data_freshness: expect.stringMatching(/^(fresh|stale)$/),
    timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/),
  })
  expect(await ask(url, '/health')).toMatchObject({ status: 'ok' })
  const shown = await ask<Record<string, { values: [string, number][] }>>(url, '/api/distributions')
  for (const field of ['genre', 'platform', 'device', 'action', 'country'] as const) {
    const counts = Map.groupBy(events, (event) => event[field])
    expect(Object.fromEntries(shown[field]?.values ?? []), field).toEqual(
      Object.fromEntries([...counts].map(([name, of]) => [name, of.length])),
    )
  }
}
