/** What the build leaves of the atlas. Lengths are units of the drawing. */
export interface World {
  width: number
  height: number
  countries: readonly { code: string; path: string }[]
  /** Land that belongs to no coded country. */
  land: string
  /** Places too small for a shape at this scale. */
  dots: readonly { code: string; x: number; y: number }[]
}
