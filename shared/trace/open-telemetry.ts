import type { IncomingHttpHeaders } from 'node:http'
import {
  isSpanContextValid,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Context,
  type Span,
  type SpanContext,
  type Tracer,
} from '@opentelemetry/api'
import { parseTraceParent } from '@opentelemetry/core'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace'
import type { Traced } from '../engine/traced.ts'
import type { BatchWork, RequestSpan, Tracing } from './tracing.ts'

/** As many as a batch has members: the usual limit is 128. */
const linksMax = 1000

/** How long a stop waits for the last spans to leave, usually. */
const usualCloseMs = 2000

/** What of a trace is to be known besides where it goes. */
export interface TraceOptions {
  readonly service: string
  /** The share of the requests without a `traceparent` that are traced, 0 to 1; one with it says itself. */
  readonly share: number
  /** How long a stop waits for the last spans to leave. */
  readonly closeMs?: number
}

/** Sends traces by OTLP over HTTP. OpenTelemetry, "OTLP Exporter Configuration": the endpoint is that of all signals. */
export function exportTraces(endpoint: string, options: TraceOptions): Tracing {
  const exporter = new OTLPTraceExporter({ url: `${endpoint.replace(/\/$/, '')}/v1/traces` })
  return traceInto(new BatchSpanProcessor({ exporter }), options)
}

/** Makes traces and hands their spans on. */
export function traceInto(processor: SpanProcessor, options: TraceOptions): Tracing {
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': options.service }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(options.share) }),
    spanLimits: { linkCountLimit: linksMax },
    spanProcessors: [processor],
  })
  return new OpenTelemetryTracing(provider, options.closeMs ?? usualCloseMs)
}

class OpenTelemetryTracing implements Tracing {
  readonly #tracer: Tracer
  readonly #provider: TracerProvider
  readonly #closeMs: number

  constructor(provider: TracerProvider, closeMs: number) {
    this.#tracer = provider.getTracer('ledgerflow')
    this.#provider = provider
    this.#closeMs = closeMs
  }

  request({ traceparent }: IncomingHttpHeaders): RequestSpan {
    const parent = typeof traceparent === 'string' ? contextOf(traceparent) : ROOT_CONTEXT
    const span = this.#tracer.startSpan('request', { kind: SpanKind.SERVER }, parent)
    return {
      traceparent: span.isRecording() ? traceparentOf(span.spanContext()) : undefined,
      end: ({ method, route, status, requestId }) => {
        // Names of attributes: OpenTelemetry, "Semantic conventions for HTTP spans".
        span.updateName(`${method} ${route}`)
        span.setAttributes({
          'http.request.method': method,
          'http.route': route,
          'http.response.status_code': status,
          'ledgerflow.request_id': requestId,
        })
        if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR })
        span.end()
      },
    }
  }

  batch(work: BatchWork, members: readonly Traced[], tookMs: number): void {
    const parents = new Set(members.flatMap(({ traceparent }) => traceparent ?? []))
    if (parents.size === 0) return
    const endTime = performance.timeOrigin + performance.now()
    const startTime = endTime - tookMs
    const attributes = { 'ledgerflow.batch.size': members.length }
    const kind = work === 'drain' ? SpanKind.CONSUMER : SpanKind.INTERNAL
    const parts = [...parents].map((traceparent) =>
      this.#tracer.startSpan(work, { kind, startTime, attributes }, contextOf(traceparent)),
    )
    // A span has one parent: the batch is below its first member, and linked with all.
    const [first] = parts as [Span, ...Span[]]
    const links = parts.map((part) => ({ context: part.spanContext() }))
    const below = trace.setSpan(ROOT_CONTEXT, first)
    const options = { kind: SpanKind.INTERNAL, startTime, attributes, links }
    const batch = this.#tracer.startSpan(`${work} batch`, options, below)
    for (const part of parts) part.addLink({ context: batch.spanContext() })
    for (const span of [batch, ...parts]) span.end(endTime)
  }

  async close(): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, this.#closeMs)
    })
    // Where nobody takes the spans, they are lost: the process is to end all the same.
    await Promise.race([this.#provider.shutdown().catch(() => undefined), late])
    clearTimeout(timer)
  }
}

/** What a `traceparent` continues; nothing where it is none. W3C Trace Context, 3.2. */
function contextOf(traceparent: string): Context {
  const parsed = parseTraceParent(traceparent)
  if (parsed === null || !isSpanContextValid(parsed)) return ROOT_CONTEXT
  return trace.setSpanContext(ROOT_CONTEXT, { ...parsed, isRemote: true })
}

function traceparentOf({ traceId, spanId, traceFlags }: SpanContext): string {
  const flags = (traceFlags & TraceFlags.SAMPLED).toString(16).padStart(2, '0')
  return `00-${traceId}-${spanId}-${flags}`
}
