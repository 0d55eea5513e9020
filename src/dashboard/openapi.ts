/** `/openapi.json`: OpenAPI 3.1, made of the schemas that validate. */
import { z } from 'zod'
import { PROBLEM_TYPE, problemSchema } from './problem.ts'

/** What the document needs to know of a route. */
export interface Described {
  path: string
  summary: string
  query: z.ZodObject
  /** What stands in the path as `:name`. */
  params?: z.ZodObject
  /** By status: the body's media type, and its schema where it is JSON. */
  answers: Record<number, { description: string; type: string; schema?: z.ZodType }>
}

/** The media type of most answers. */
export const JSON_TYPE = 'application/json'

export function openApi(routes: readonly Described[]): Record<string, unknown> {
  return {
    openapi: '3.1.0',
    info: {
      title: 'music-faker',
      version: '1',
      description:
        'Totals, live figures and health of a music-faker pipeline. Read-only; times are UTC; an empty parameter is as none.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    paths: Object.fromEntries(
      routes.map((route) => [route.path.replaceAll(/:(\w+)/g, '{$1}'), { get: operation(route) }]),
    ),
    components: { schemas: { Problem: jsonSchema(problemSchema, 'output') } },
  }
}

function operation(route: Described): Record<string, unknown> {
  const problem = {
    description: 'What went wrong, and what to do about it (RFC 9457)',
    content: { [PROBLEM_TYPE]: { schema: { $ref: '#/components/schemas/Problem' } } },
  }
  const answers = Object.entries(route.answers).map(([status, { description, type, schema }]) => [
    status,
    { description, content: { [type]: { schema: schema ? jsonSchema(schema, 'output') : { type: 'string' } } } },
  ])
  return {
    summary: route.summary,
    operationId: route.path.slice(1).replaceAll(/[^a-z]+/g, '_'),
    parameters: parametersOf(route),
    responses: { ...Object.fromEntries(answers), default: problem },
  }
}

export interface Parameter {
  name: string
  in: 'path' | 'query'
  required: boolean
  description?: string
  schema: Record<string, unknown>
}

/** What stands in the path, then what the query may hold. */
export function parametersOf({ params, query }: Described): Parameter[] {
  return [...(params ? parameters(params, 'path') : []), ...parameters(query, 'query')]
}

function parameters(of: z.ZodObject, place: Parameter['in']): Parameter[] {
  const { properties = {}, required = [] } = jsonSchema(of, 'input') as {
    properties?: Record<string, { description?: string }>
    required?: string[]
  }
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: place,
    required: required.includes(name),
    ...(description === undefined ? {} : { description }),
    schema,
  }))
}

function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): Record<string, unknown> {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io })
  return rest
}
