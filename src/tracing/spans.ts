/**
 * Spans of what happens, from a request to its container. Where nobody asked for traces (export.ts), each of these says nothing and costs next
 * to nothing.
 */
import {
  type Attributes,
  type Context,
  context,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';

const tracer = () => trace.getTracer('hypervisor');

/** What is under way, as W3C Trace Context names it; null where nothing is traced. */
export function currentTraceParent(): string | null {
  const carrier: { traceparent?: string } = {};
  propagation.inject(context.active(), carrier);
  return carrier.traceparent ?? null;
}

/** How traces name an attempt of a deployment. */
export const attributesOf = (deploymentId: string, attempt: number): Attributes => ({
  'hypervisor.deployment': deploymentId,
  'hypervisor.attempt': attempt,
});

/** A request that was received. It belongs to the trace of whoever sent it, if they say so. */
export function beginRequest(headers: object, method: string, route: string): { span: Span; context: Context } {
  const from = propagation.extract(ROOT_CONTEXT, headers);
  const attributes = { 'http.request.method': method, 'http.route': route };
  const span = tracer().startSpan(`${method} ${route}`, { kind: SpanKind.SERVER, attributes }, from);
  return { span, context: trace.setSpan(from, span) };
}

export function endRequest(span: Span, status: number): void {
  span.setAttribute('http.response.status_code', status);
  if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
  span.end();
}

/** Null where there is none, or nobody traces here. */
function contextOf(traceParent: string | null): Context | null {
  if (traceParent === null) return null;
  const named = propagation.extract(ROOT_CONTEXT, { traceparent: traceParent });
  return trace.getSpanContext(named) === undefined ? null : named;
}

/** Does it as a part of the trace that `traceParent` names. Without one, nothing is traced. */
export function tracedFor<T>(
  traceParent: string | null,
  name: string,
  attributes: Attributes,
  work: () => Promise<T>,
): Promise<T> {
  const parent = contextOf(traceParent);
  if (parent === null) return work();
  return during(tracer().startSpan(name, { kind: SpanKind.CONSUMER, attributes }, parent), parent, work);
}

/** Does it as a part of what is traced already; what nobody traces is not begun by it. */
export function traced<T>(name: string, attributes: Attributes, work: () => Promise<T>): Promise<T> {
  if (trace.getActiveSpan() === undefined) return work();
  const span = tracer().startSpan(name, { kind: SpanKind.CLIENT, attributes });
  return during(span, context.active(), work);
}

/** Notes what took until now, and had taken `seconds` by then. */
export function noteUntilNow(traceParent: string | null, name: string, seconds: number, attributes: Attributes): void {
  const parent = contextOf(traceParent);
  if (parent === null) return;
  const now = Date.now();
  tracer()
    .startSpan(name, { startTime: now - seconds * 1000, attributes }, parent)
    .end(now);
}

async function during<T>(span: Span, parent: Context, work: () => Promise<T>): Promise<T> {
  try {
    return await context.with(trace.setSpan(parent, span), work);
  } catch (error) {
    // The name and not the message: that may hold what a user's container was given.
    span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.name : 'unknown' });
    throw error;
  } finally {
    span.end();
  }
}
