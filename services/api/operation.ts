import { z } from 'zod'
import { problemJsonSchema } from '../../shared/wire/problem-json.ts'
import { problems, type ProblemCode } from '../../shared/wire/problems.ts'
import { problemExample } from './problem-examples.ts'

/** The query of a route that takes no parameters. */
export const none = z.strictObject({})

/** One page of a list. */
export function pageOf<Item extends z.ZodType>(id: string, item: Item) {
  return z.strictObject({ items: z.array(item), next_cursor: z.string().nullable() }).meta({ id })
}

/** The answers of a route as Fastify takes them: the good ones, and for each error status the codes it may have. */
export function answers(
  good: Record<
    number,
    readonly [
      description: string,
      schema: z.ZodType,
      otherTypes?: Readonly<Record<string, z.ZodType>>,
    ]
  >,
  codes: readonly ProblemCode[],
): Record<number, unknown> {
  const byStatus = new Map<number, ProblemCode[]>()
  for (const code of [...codes, 'internal_error'] as const) {
    const { status } = problems[code]
    byStatus.set(status, [...(byStatus.get(status) ?? []), code])
  }
  const described: Record<number, unknown> = {}
  for (const [status, [description, json, otherTypes = {}]] of Object.entries(good)) {
    const types = Object.entries({ 'application/json': json, ...otherTypes })
    const content = Object.fromEntries(types.map(([type, schema]) => [type, { schema }]))
    described[Number(status)] = { description, content }
  }
  for (const [status, names] of byStatus) {
    const { description, examples } = problemAnswer(names)
    described[status] = {
      description,
      content: { 'application/problem+json': { schema: problemJsonSchema, examples } },
    }
  }
  return described
}

/** Answers with more error codes: those that a route has already stay as they are. */
export function withProblems(
  described: Readonly<Record<number, unknown>>,
  codes: readonly ProblemCode[],
): Record<number, unknown> {
  const all = { ...described }
  for (const code of codes) {
    const { status } = problems[code]
    const there = (all[status] ?? {}) as DescribedProblems
    const examples = there.content?.[problemType]?.examples ?? {}
    if (code in examples) continue
    const more = problemAnswer([code])
    all[status] = {
      description: [there.description, more.description].filter(Boolean).join(' '),
      content: {
        [problemType]: { schema: problemJsonSchema, examples: { ...examples, ...more.examples } },
      },
    }
  }
  return all
}

const problemType = 'application/problem+json'

/** What `answers` writes for a status of errors. */
interface DescribedProblems {
  readonly description?: string
  readonly content?: Readonly<
    Record<string, { readonly examples?: Readonly<Record<string, unknown>> }>
  >
}

/** What an answer that may have several codes says of them, and an example of each. */
export function problemAnswer(codes: readonly ProblemCode[]): {
  readonly description: string
  readonly examples: Record<string, { value: unknown }>
} {
  const examples = codes.map((code) => [code, { value: problemExample(code) }] as const)
  return {
    description: codes.map((code) => `\`${code}\`: ${problems[code].title}.`).join(' '),
    examples: Object.fromEntries(examples),
  }
}
