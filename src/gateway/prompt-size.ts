import type { GenerationRequest } from '../canon/request.ts';
import { estimatePrompt, promptTexts } from '../canon/tokens.ts';
import type { Endpoint } from '../catalogue/types.ts';
import type { Size } from '../router/limits.ts';
import type { Meter } from './meter.ts';
import type { GatewayPorts } from './ports.ts';

/** How long a request waits for its prompt to be counted, before it goes by the estimate. */
const PROMPT_DEADLINE_MS = 250;
/** How long a settlement waits for an answer to be counted that nobody else has counted. */
const ANSWER_DEADLINE_MS = 2000;

type Ports = Pick<GatewayPorts, 'counter' | 'calibration' | 'roads'>;

/** A prompt's size, as each endpoint would count it. */
export class PromptSize {
  /** As o200k counts, or is estimated to. */
  readonly base: number;
  readonly #ports: Ports;

  constructor(base: number, ports: Ports) {
    this.base = base;
    this.#ports = ports;
  }

  /** How many tokens the endpoint's family makes of it, before anything was learned. */
  plain(endpoint: Endpoint): number {
    return this.base * this.#ports.roads.snapshot.tokenFactor(endpoint);
  }

  at(endpoint: Endpoint): Size {
    const plain = this.plain(endpoint);
    const { mean, high } = this.#ports.calibration.of(endpoint.id);
    return { likely: Math.round(plain * mean), most: Math.ceil(plain * Math.max(1, high)) };
  }

  /** How many tokens of the endpoint one of ours is likely to be. */
  scale(endpoint: Endpoint): number {
    return this.#ports.roads.snapshot.tokenFactor(endpoint) * this.#ports.calibration.of(endpoint.id).mean;
  }
}

/** By the tokenizer where there is one and it is quick enough, else by the estimate; a promise only in the first case. */
export function promptSize(request: GenerationRequest, ports: Ports): PromptSize | Promise<PromptSize> {
  const { counter } = ports;
  return counter ? counted(request, counter, ports) : new PromptSize(estimatePrompt(request), ports);
}

async function counted(
  request: GenerationRequest,
  counter: NonNullable<Ports['counter']>,
  ports: Ports,
): Promise<PromptSize> {
  const { fixed, texts } = promptTexts(request);
  const counts = await counter.count(texts, PROMPT_DEADLINE_MS);
  const base = counts ? counts.reduce((sum, count) => sum + count, fixed) : estimatePrompt(request);
  return new PromptSize(base, ports);
}

/** An answer that nobody has counted is counted before it is told or priced, where there is a tokenizer; the meter estimates otherwise. */
export async function countAnswer(meter: Meter, { counter }: Ports): Promise<void> {
  const { uncounted } = meter;
  if (!counter || !uncounted) return;
  const counts = await counter.count(uncounted, ANSWER_DEADLINE_MS);
  if (counts) meter.count(counts[0] ?? 0, counts[1] ?? 0);
}
