/**
 * The world map, projected while the page is built: only finished paths reach the browser.
 *
 * Shapes come from Natural Earth at 1:110 million (package world-atlas, public domain) in the Equal Earth projection, which
 * keeps areas true, as a map that is shaded by numbers must. States too small for that scale are dots, placed by the
 * shapes at 1:50 million.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { type GeoProjection, geoEqualEarth, geoPath } from 'd3-geo'
import { feature } from 'topojson-client'
import type { GeometryCollection, Topology } from 'topojson-specification'
import type { World } from './world.ts'

/** Fine enough for whole numbers, which make the paths a third as long. */
const WIDTH = 1920
/** No listener lives there, and it would take a fifth of the height. */
const ANTARCTICA = 'AQ'
/** Shapes that ISO 3166-1 has no code for: drawn, but no country to choose. Kosovo has a code that users assigned. */
const UNCODED: Readonly<Record<string, string>> = { Kosovo: 'XK' }

type Countries = Topology<{ countries: GeometryCollection<{ name: string }> }>

export function projectWorld(): World {
  const shapes = countries('110m').filter(({ code }) => code !== ANTARCTICA)
  const all = { type: 'FeatureCollection' as const, features: shapes.map(({ shape }) => shape) }
  const projection = geoEqualEarth().fitWidth(WIDTH, all)
  const path = geoPath(projection)
  const height = Math.ceil(path.bounds(all)[1][1])
  const drawn = shapes.map(({ code, shape }) => ({ code, path: short(path(shape) ?? '') }))
  const known = new Set(drawn.map(({ code }) => code))
  const dots = countries('50m')
    .filter(({ code }) => code !== undefined && code !== ANTARCTICA && !known.has(code))
    .map(({ code, shape }) => ({ code: code as string, ...centre(projection, shape) }))
  return {
    width: WIDTH,
    height,
    countries: drawn.filter((each): each is { code: string; path: string } => each.code !== undefined),
    land: drawn
      .filter(({ code }) => code === undefined)
      .map((each) => each.path)
      .join(''),
    dots,
  }
}

function countries(scale: '50m' | '110m') {
  const file = createRequire(import.meta.url).resolve(`world-atlas/countries-${scale}.json`)
  const topology = JSON.parse(readFileSync(file, 'utf8')) as Countries
  return feature(topology, topology.objects.countries).features.map((shape) => ({
    code: alpha2(shape.id, shape.properties.name),
    shape,
  }))
}

/** The two letters of a country's three digits: the locale data of the runtime knows them all. */
function alpha2(id: string | number | undefined, name: string): string | undefined {
  if (id === undefined) return UNCODED[name]
  const region = new Intl.Locale(`und-${String(id).padStart(3, '0')}`).region
  return region !== undefined && /^[A-Z]{2}$/.test(region) ? region : undefined
}

function centre(projection: GeoProjection, shape: Parameters<ReturnType<typeof geoPath>['centroid']>[0]) {
  const [x, y] = geoPath(projection).centroid(shape)
  return { x: Math.round(x), y: Math.round(y) }
}

/** The rings of a path of absolute lines, each as whole steps from point to point. */
function short(path: string): string {
  return path
    .split('M')
    .slice(1)
    .map((ring) => {
      const points = ring.split('Z')[0]?.split('L') ?? []
      let [x = 0, y = 0] = rounded(points[0])
      let steps = `M${x} ${y}l`
      for (const point of points.slice(1)) {
        const [nextX = 0, nextY = 0] = rounded(point)
        const [dx, dy] = [nextX - x, nextY - y]
        if (dx === 0 && dy === 0) continue
        steps += `${dx < 0 || steps.endsWith('l') ? '' : ' '}${dx}${dy < 0 ? '' : ' '}${dy}`
        x = nextX
        y = nextY
      }
      // A ring that shrank to its first point would end the drawing of the whole path.
      return steps.endsWith('l') ? '' : `${steps}z`
    })
    .join('')
}

const rounded = (point = '') => point.split(',').map((length) => Math.round(Number(length)))
