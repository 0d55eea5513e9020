import { describe, expect, it } from 'vitest'
import { createCatalogue } from '../../src/generate/catalogue.ts'
import { distinctName } from '../../src/generate/names.ts'
import { Random } from '../../src/generate/random.ts'
import { ASSUMPTIONS, GENRES } from '../../src/generate/world.ts'

it('names are distinct even where there is nothing left to name after', () => {
  const [taken, random] = [new Set<string>(), new Random(1)]
  const names = Array.from({ length: 200 }, () => distinctName(taken, random, () => 'eric04'))
  expect(names[0]).toBe('eric04')
  expect(new Set(names).size).toBe(200)
  expect(names.every((name) => /^eric04\d*$/.test(name))).toBe(true)
})

describe('the catalogue', () => {
  it('has distinct names of artists and of tracks', () => {
    const { artistNames, titles } = createCatalogue(new Random(42), 10_000, ASSUMPTIONS)
    expect(new Set(artistNames).size).toBe(10_000)
    expect(new Set(titles).size).toBe(titles.length)
    expect(titles.length / artistNames.length).toBeGreaterThan(3.8)
    expect(titles.length / artistNames.length).toBeLessThan(4.2)
  })

  it('has tracks of every genre on their own shelves, however small it is', () => {
    for (let seed = 0; seed < 30; seed++) {
      const random = new Random(seed)
      const { genres, genreOf, shelves } = createCatalogue(random, 100, ASSUMPTIONS)
      expect(genres).toEqual(Object.keys(GENRES))
      for (const [genre, shelf] of shelves.entries()) {
        for (let i = 0; i < 10; i++) expect(genreOf(shelf.pick(random))).toBe(genre)
      }
    }
  })

  it('is built fast enough to hold up no start: under 0.3 s of CPU, doubled for a busy machine', () => {
    const before = process.cpuUsage()
    createCatalogue(new Random(1), 10_000, ASSUMPTIONS)
    const { user, system } = process.cpuUsage(before)
    expect((user + system) / 1000).toBeLessThan(600)
  })
})
