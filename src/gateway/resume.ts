import type { ErrorCode, GatewayError } from '../canon/errors.ts';
import type { Block, GenerationEvent } from '../canon/event.ts';
import type { GenerationRequest, Message } from '../canon/request.ts';
import { goesOn } from '../canon/target.ts';
import { tokens, type Usage } from '../canon/units.ts';
import type { Candidate, Plan } from '../router/candidate.ts';
import type { Call } from './call.ts';
import { type Execution, type Part, Walk, type Winner } from './execute.ts';
import type { Meter } from './meter.ts';
import type { GatewayPorts } from './ports.ts';
import { countAnswer, type PromptSize } from './prompt-size.ts';
import { Seam } from './seam.ts';
import { summed } from './sums.ts';
import { targetOf } from './target.ts';

/** How an answer may break off so that another host can go on: nothing was said of what was asked. */
const BROKEN: ReadonlySet<ErrorCode> = new Set([
  'upstream_interrupted',
  'upstream_stalled',
  'upstream_reset',
  'upstream_server',
  'upstream_overloaded',
]);

/** Whether a request may go on elsewhere: a stream of text that has to have no form. */
export function resumes({ stream, operation, output }: GenerationRequest, wanted: boolean): boolean {
  return wanted && stream && operation === undefined && (output === undefined || output.kind === 'text');
}

/** What has been sent of an answer, as far as it matters to whoever goes on. */
class Sent {
  text = '';
  /** The block that is open. */
  open: Block['kind'] | undefined;
  #last: Block['kind'] | undefined;
  /** Something came that no other host could go on from: a call, a picture, a signed thought. */
  #bound = false;

  see(event: GenerationEvent): void {
    if (event.type === 'block-start') {
      this.open = this.#last = event.block.kind;
      if (this.open !== 'text' && this.open !== 'reasoning') this.#bound = true;
    } else if (event.type === 'block-end') this.open = undefined;
    else if (event.type === 'block-delta') {
      if (event.delta.kind === 'signature') this.#bound = true;
      else if (this.open === 'text' && event.delta.kind === 'text') this.text += event.delta.text;
    }
  }

  get isText(): boolean {
    return !this.#bound && this.#last === 'text' && this.text.trim() !== '';
  }
}

/**
 * One streamed answer that may go on at another host where its own breaks off (docs/extras.md). Once: a second break ends the answer as any
 * other does.
 */
export class Resumption {
  readonly #call: Call;
  readonly #plan: Plan;
  readonly #size: PromptSize;
  readonly #ports: GatewayPorts;
  readonly #sent = new Sent();
  #part: Part | undefined;
  #seam: Seam | undefined;
  /** The end of the block in which the answer broke off, which may have to be said after all. */
  #withheld: GenerationEvent | undefined;

  constructor(call: Call, plan: Plan, size: PromptSize, ports: GatewayPorts) {
    this.#call = call;
    this.#plan = plan;
    this.#size = size;
    this.#ports = ports;
  }

  /** What the caller is told of an event. @param last of the batch it came with */
  pass(event: GenerationEvent, last: GenerationEvent | undefined): readonly GenerationEvent[] {
    if (event.type === 'block-end' && last?.type === 'generation-error' && this.#mayGoOn(last.error)) {
      this.#withheld = event;
      return [];
    }
    if (this.#seam) return this.#seam.step(event);
    this.#sent.see(event);
    return [event];
  }

  /** What all parts so far used. */
  usage(last: Usage): Usage {
    return this.#part ? summed([this.#part.meter.usage(), last]) : last;
  }

  /** What was withheld for a part that did not come. */
  given(): readonly GenerationEvent[] {
    return this.#withheld ? [this.#withheld] : [];
  }

  /** A walk to the hosts that can go on, where there are any. */
  async walk(
    error: GatewayError,
    { winner, meter }: Omit<Part, 'at'>,
    execution: Execution,
  ): Promise<Walk | undefined> {
    if (!this.#mayGoOn(error) || this.#call.client.gone) return undefined;
    const candidates = this.#candidates(winner.candidate, execution);
    const attemptsMax = this.#ports.limits.attemptsMax - execution.attempts.length;
    if (candidates.length === 0 || attemptsMax <= 0) return undefined;
    await countAnswer(meter, this.#ports);
    const { text } = this.#sent;
    const { model } = winner.candidate;
    const request = continued(this.#call.request, text, meter, model.reasoning !== undefined);
    const ports = { ...this.#ports, limits: { ...this.#ports.limits, attemptsMax } };
    return new Walk({ ...this.#call, request }, { ...this.#plan, candidates }, this.#size, ports);
  }

  /** The walk has found somebody. @returns what the answer is now made of */
  begin(broken: Omit<Part, 'at'>, before: Execution, found: Execution & { readonly winner: Winner }): Execution {
    const { text, open } = this.#sent;
    this.#part = { ...broken, at: text.length };
    this.#seam = new Seam(text, open === 'text', [broken.meter.usage()]);
    this.#withheld = undefined;
    return {
      ...found,
      attempts: [...before.attempts, ...found.attempts],
      echoes: [...before.echoes, ...found.echoes],
      parts: [this.#part],
    };
  }

  #mayGoOn({ code }: GatewayError): boolean {
    return this.#seam === undefined && BROKEN.has(code) && this.#sent.isText;
  }

  /** Other hosts of the same model that go on from a begun answer, without thinking about it first. */
  #candidates(broken: Candidate, { attempts }: Execution): readonly Candidate[] {
    const tried = new Set(attempts.map(({ endpoint }) => endpoint));
    return this.#plan.candidates.filter(
      (candidate) =>
        candidate.model === broken.model &&
        !tried.has(candidate.endpoint.id) &&
        candidate.model.reasoning?.mandatory !== true &&
        goesOn(targetOf(candidate, this.#ports)),
    );
  }
}

/** The request with what was sent as the beginning of its answer. The body it was read from no longer says the same. */
function continued(asked: GenerationRequest, text: string, meter: Meter, thinks: boolean): GenerationRequest {
  const { original: _body, reasoning: _wish, ...request } = asked;
  const begun = { kind: 'text', text: text.trimEnd() } as const;
  const last = request.messages.at(-1);
  const messages: readonly Message[] =
    last?.role === 'assistant' && last.toolCalls.length === 0
      ? [...request.messages.slice(0, -1), { ...last, parts: [...last.parts, begun] }]
      : [...request.messages, { role: 'assistant', parts: [begun], toolCalls: [] }];
  const { maxOutputTokens } = request;
  const used = tokens(meter.usage().counts, 'output');
  return {
    ...request,
    messages,
    ...(maxOutputTokens !== undefined && { maxOutputTokens: Math.max(1, maxOutputTokens - used) }),
    ...(thinks && { reasoning: { exclude: true, enabled: false } }),
  };
}
