/** The kinds of values that the shapes of the REST API are made of. */
import { z } from 'zod'
import { LONGEST_NAME } from '../stats/tally.ts'

/**
 * Longer names are cut, so that one hostile event cannot make every answer large. None that the lake counts by is: who chooses
 * a name asks for it as it was shown.
 */
export const MAX_NAME = LONGEST_NAME

export const count = z.number().int().nonnegative()
export const time = z.iso.datetime()
export const seconds = z.number().nonnegative()
export const name = z.string().max(MAX_NAME)
export const named = z.tuple([name, count]).describe('name and number of events')
export const exact = z.boolean().describe('false where the numbers are estimates, from a uniform sample of the events')
