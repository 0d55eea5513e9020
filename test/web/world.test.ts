import { expect, it } from 'vitest'
import { projectWorld } from '../../web/map/project.ts'

it('the map has every country once, as a shape or as a dot within the drawing', () => {
  const world = projectWorld()
  const codes = [...world.countries, ...world.dots].map(({ code }) => code)
  expect(new Set(codes).size).toBe(codes.length)
  for (const code of ['US', 'FR', 'BR', 'CN', 'ZA', 'XK'])
    expect(world.countries.map((each) => each.code)).toContain(code)
  for (const code of ['SG', 'MT', 'HK', 'BH', 'MC']) expect(world.dots.map((each) => each.code)).toContain(code)
  expect(codes.every((code) => /^[A-Z]{2}$/.test(code))).toBe(true)
  expect(codes.length).toBeGreaterThan(230)
  // A path that is malformed anywhere is not drawn from there on.
  for (const { path } of world.countries) expect(path).toMatch(/^(M\d+ \d+l(-?\d+[ -]?)+z)+$/)
  for (const { x, y } of world.dots) {
    expect(x >= 0 && x <= world.width && y >= 0 && y <= world.height).toBe(true)
  }
})
