import type { FastifySchemaCompiler } from 'fastify'
import { z } from 'zod'
import { invalidRequest } from '../../shared/wire/invalid-request.ts'
import { Problem } from '../../shared/wire/problems.ts'

/**
 * Validates each part of a request with its zod schema. Nothing is coerced and nothing unknown is dropped. An id in the
 * path that is no id is an address at which there is nothing: 404.
 */
export const validatorCompiler: FastifySchemaCompiler<unknown> = ({ schema, httpPart }) => {
  // Headers are documented by a schema and read where they mean something.
  if (!(schema instanceof z.ZodType) || httpPart === 'headers') return () => true
  return (data: unknown) => {
    const parsed = schema.safeParse(data ?? undefined)
    if (parsed.success) return { value: parsed.data }
    if (httpPart === 'params') return { error: new Problem('not_found') }
    return { error: invalidRequest(parsed.error, httpPart === 'querystring' ? 'query' : 'body') }
  }
}
