/**
 * Sends spans to a collector, by OTLP over HTTP. It is set up by OpenTelemetry's own variables: OTEL_EXPORTER_OTLP_ENDPOINT (or
 * _TRACES_ENDPOINT), OTEL_EXPORTER_OTLP_HEADERS, OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES, OTEL_TRACES_SAMPLER.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { context, propagation, trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';

/** How long the last of them may take. */
const lastSendMs = 2_000;

/** Begins to. What is returned sends what is left and ends it; a collector that does not answer does not keep it. */
export function exportTraces(attributes: Readonly<Record<string, string>>): () => Promise<void> {
  const own = resourceFromAttributes({ 'service.name': 'hypervisor', ...attributes });
  const said = detectResources({ detectors: [envDetector] });
  const provider = new NodeTracerProvider({
    resource: defaultResource().merge(own).merge(said),
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
  });
  provider.register();
  return async () => {
    await Promise.race([provider.shutdown().catch(() => undefined), sleep(lastSendMs, undefined, { ref: false })]);
    for (const api of [trace, context, propagation]) api.disable();
  };
}
