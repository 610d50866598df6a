import { type GatewayError, gatewayError } from '../canon/errors.ts';
import type { GenerationEvent } from '../canon/event.ts';
import type { Machine } from '../canon/machine.ts';
import { type AnswerContext, type Bill, framingOf } from '../dialects/dialect.ts';
import type { Plan } from '../router/candidate.ts';
import type { Framing } from '../streams/framing.ts';
import type { Frame } from '../streams/sse.ts';
import { askedContext } from './asked-context.ts';
import type { Call } from './call.ts';
import { type Execution, Walk, type Winner } from './execute.ts';
import { routerMetadata } from './metadata.ts';
import { Meter } from './meter.ts';
import { Outlet } from './outlet.ts';
import type { Cuttable, GatewayPorts } from './ports.ts';
import { countAnswer, type PromptSize } from './prompt-size.ts';
import { Resumption } from './resume.ts';
import { withTier } from './service-tier.ts';
import type { Settlement } from './settlement.ts';

/** What the first moments of a streamed answer came to: content is on its way, or nobody answered. */
export type Beginning =
  | { readonly kind: 'content'; readonly winner: Winner; readonly execution: Execution }
  /** Nobody answered, which the caller's wire tells as an answer all the same. */
  | { readonly kind: 'ended'; readonly winner?: undefined; readonly execution: Execution }
  | { readonly kind: 'failed'; readonly error: GatewayError; readonly execution: Execution };

/**
 * One streamed answer from the plan to the bill. It runs on its own, whether or not somebody still reads: the bill is settled here and
 * nowhere else, once, before the client is told that the answer is complete.
 */
export class StreamRelay implements Cuttable {
  readonly outlet: Outlet;
  /** Resolves at the first content, or when all attempts have failed. */
  readonly beginning: Promise<Beginning>;
  readonly #call: Call;
  readonly #plan: Plan;
  readonly #ports: GatewayPorts;
  readonly #settlement: Settlement;
  readonly #size: PromptSize;
  /** The last that was begun. */
  #walk: Walk;
  readonly #framing: Framing;
  #begin: (beginning: Beginning) => void = () => {};
  #bill: Bill | undefined;
  #winner: Winner | undefined;
  /** Set when this gateway ends the answer itself. */
  #cut: GatewayError | undefined;
  #forgetDetached: (() => void) | undefined;

  constructor(call: Call, plan: Plan, settlement: Settlement, size: PromptSize, ports: GatewayPorts) {
    this.#call = call;
    this.#plan = plan;
    this.#ports = ports;
    this.#settlement = settlement;
    this.#size = size;
    this.#walk = new Walk(call, plan, size, ports);
    this.#framing = framingOf(call.dialect);
    this.outlet = new Outlet(ports.clock, ports.deadlines, call.client, this.#framing.keepAlive);
    this.beginning = new Promise((resolve) => {
      this.#begin = resolve;
    });
    call.client.onGone(() => this.#clientGone());
    ports.running.track(this, this.#run());
  }

  /** Ends the answer in-band; what was produced stays unbilled, because the failure is ours. */
  cut(): void {
    this.#cut = gatewayError('draining', 'The gateway is shutting down');
    this.#walk.stop(this.#cut);
  }

  async #run(): Promise<void> {
    let execution: Execution | undefined;
    try {
      execution = await this.#walk.run();
      const { winner } = execution;
      if (winner) await this.#relay(winner, execution);
      else await this.#failed(execution);
    } catch (error) {
      await this.#broken(error, execution ?? { attempts: [], echoes: [] });
    } finally {
      this.#forgetDetached?.();
    }
  }

  /** After the commit comes an in-band error; before it, the error still has its HTTP status, and nobody reads the outlet. */
  async #failed(execution: Execution): Promise<void> {
    const error = this.#cut ?? execution.error ?? gatewayError('internal', 'no attempt and no error');
    await this.#settlement.void(execution, undefined, error);
    this.#echo(execution);
    const encoder = this.#encoder(undefined, execution);
    this.outlet.write(this.#text([...encoder.step({ type: 'generation-error', error }), ...encoder.end()]));
    this.outlet.close();
    const told = this.#call.dialect.toldAsLength?.has(error.code);
    this.#begin(told ? { kind: 'ended', execution } : { kind: 'failed', error, execution });
  }

  async #relay(begun: Winner, execution: Execution): Promise<void> {
    const answer = this.#answer(begun, execution);
    this.#echo(execution);
    let events = begun.first;
    let last: GenerationEvent | undefined;
    let first = true;
    while (events.length > 0) {
      this.outlet.write(await this.#told(events, answer));
      if (first) {
        first = false;
        this.#begin({ kind: 'content', winner: begun, execution });
        if (this.#call.client.gone) this.#clientGone();
      }
      last = events.at(-1);
      const { attempt } = answer.winner;
      if (attempt.ended && last && isTerminal(last)) {
        if (!answer.resumption || last.type !== 'generation-error') break;
        const rest = await this.#goOn(last.error, answer, answer.resumption);
        if (!rest) break;
        events = rest;
        continue;
      }
      const room = this.outlet.room();
      if (room) await room;
      events = await attempt.read();
    }
    const error = last?.type === 'generation-error' ? last.error : undefined;
    // Whoever leaves in the middle of an answer was being served.
    answer.winner.permit.release(error?.code === 'client_gone' ? undefined : error);
    await this.#conclude(answer, error);
  }

  #answer(winner: Winner, execution: Execution): Answering {
    this.#winner = winner;
    if (this.#cut) winner.attempt.abort();
    let answer: Answering | undefined;
    const encoder = this.#call.dialect.encodeStream(this.#context(winner, () => answer?.execution ?? execution));
    const meter = meterFor(winner, this.#call, this.#size, this.#ports);
    const resumption = this.#call.resume ? new Resumption(this.#call, this.#plan, this.#size, this.#ports) : undefined;
    answer = { winner, execution, meter, encoder, resumption };
    return answer;
  }

  /** A batch of events in the caller's wire. */
  async #told(events: readonly GenerationEvent[], answer: Answering): Promise<string> {
    const { meter, encoder, resumption, winner } = answer;
    const last = events.at(-1);
    let text = '';
    for (const said of events) {
      const event = withTier(said, winner.candidate);
      if (event.type === 'generation-error') {
        if (event.error.code !== 'client_gone') meter.see(event);
        continue;
      }
      if (event.type === 'generation-end' && meter.uncounted) text += await this.#counted(answer);
      meter.see(event);
      if (resumption) for (const one of resumption.pass(event, last)) text += this.#pass(one, encoder);
      else text += this.#pass(event, encoder);
    }
    return text;
  }

  #pass(event: GenerationEvent, encoder: Machine<GenerationEvent, Frame>): string {
    this.#call.keeper?.see(event);
    let text = '';
    for (const frame of encoder.step(event)) text += this.#framing.format(frame);
    return text;
  }

  /** The answer broke off: another host goes on with it, where that was asked for. @returns its first events */
  async #goOn(
    error: GatewayError,
    answer: Answering,
    resumption: Resumption,
  ): Promise<readonly GenerationEvent[] | undefined> {
    const walk = this.#cut ? undefined : await resumption.walk(error, answer, answer.execution);
    const execution = walk && (await this.#walked(walk, true));
    const winner = execution?.winner;
    if (!winner) {
      // Whom it asked stands in the record all the same.
      if (execution) answer.execution = withAttempts(answer.execution, execution);
      for (const event of resumption.given()) this.outlet.write(this.#text(answer.encoder.step(event)));
      return undefined;
    }
    answer.winner.permit.release(error);
    const from = answer.winner.candidate.provider.name;
    answer.execution = resumption.begin(answer, answer.execution, { ...execution, winner });
    answer.winner = winner;
    answer.meter = meterFor(winner, this.#call, this.#size, this.#ports);
    this.#winner = winner;
    const seam = { at: answer.execution.parts?.[0]?.at, from, by: winner.candidate.provider.name };
    this.outlet.write(this.#framing.comment(`TURNPIKE RESUMED ${JSON.stringify(seam)}`));
    if (this.#cut) winner.attempt.abort();
    if (this.#call.client.gone) this.#clientGone();
    return winner.first;
  }

  #walked(walk: Walk, goesOn = false): Promise<Execution> {
    this.#walk = walk;
    return walk.run(goesOn);
  }

  /** A host that did not say what it used: the client is told what we counted. */
  async #counted({ meter, encoder, resumption }: Answering): Promise<string> {
    await countAnswer(meter, this.#ports);
    const usage = meter.usage();
    return this.#text(encoder.step({ type: 'usage', usage: resumption ? resumption.usage(usage) : usage }));
  }

  async #conclude({ winner, execution, meter, encoder }: Answering, error: GatewayError | undefined): Promise<void> {
    const left = this.#call.client.gone && !this.#cut && (error === undefined || error.code === 'client_gone');
    if (error && !left) {
      const told = this.#cut ?? error;
      await this.#settlement.void(execution, meter, told);
      this.outlet.write(this.#text([...encoder.step({ type: 'generation-error', error: told }), ...encoder.end()]));
    } else if (left && !meter.producedAnything && error) {
      await this.#settlement.void(execution, meter, error);
    } else {
      this.#bill = await this.#settlement.settle({ winner, execution, meter, cancelled: left });
      this.#call.keeper?.keep(
        meter,
        this.#context(winner, () => execution),
        winner.encoded.dropped,
      );
      this.outlet.write(this.#text(encoder.end()));
    }
    this.outlet.close();
  }

  /** A bug, or a store that failed: the client must not take what it has for a whole answer. */
  async #broken(error: unknown, execution: Execution): Promise<void> {
    this.#ports.log.error(
      { generation: this.#call.id, error: String(error), stack: (error as Error | undefined)?.stack },
      'a stream failed',
    );
    this.#winner?.attempt.abort();
    this.#winner?.permit.cancel();
    const told = gatewayError('internal', 'Internal Server Error');
    await this.#settlement.void(execution, undefined, told).catch(() => undefined);
    const encoder = this.#encoder(this.#winner, execution);
    this.outlet.write(this.#text([...encoder.step({ type: 'generation-error', error: told }), ...encoder.end()]));
    this.outlet.close();
    this.#begin({ kind: 'failed', error: told, execution });
  }

  #clientGone(): void {
    const winner = this.#winner;
    const { clock, limits } = this.#ports;
    if (!winner || winner.attempt.ended) return;
    if (winner.candidate.provider.cancellation) winner.attempt.abort();
    else this.#forgetDetached ??= clock.after(limits.detachedDrainMsMax, () => winner.attempt.abort());
  }

  /** What each provider tried was sent, before any content, where the caller's wire has a place for it (spec/inference 3.5). */
  #echo(execution: Execution): void {
    if (execution.echoes.length === 0) return;
    const context = this.#context(this.#winner, () => execution);
    this.outlet.write(this.#text(this.#call.dialect.encodeEchoes?.(context) ?? []));
  }

  #encoder(winner: Winner | undefined, execution: Execution): Machine<GenerationEvent, Frame> {
    return this.#call.dialect.encodeStream(this.#context(winner, () => execution));
  }

  #context(winner: Winner | undefined, execution: () => Execution): AnswerContext {
    return answerContext(this.#call, this.#plan, winner, execution, () => this.#bill, this.#ports);
  }

  #text(frames: readonly Frame[]): string {
    return frames.map(this.#framing.format).join('');
  }
}

/** An answer on its way; what changes does so where it broke off and goes on elsewhere. */
interface Answering {
  winner: Winner;
  execution: Execution;
  meter: Meter;
  readonly encoder: Machine<GenerationEvent, Frame>;
  readonly resumption: Resumption | undefined;
}

const withAttempts = (before: Execution, more: Execution): Execution => ({
  ...before,
  attempts: [...before.attempts, ...more.attempts],
  echoes: [...before.echoes, ...more.echoes],
});

const isTerminal = (event: GenerationEvent): boolean =>
  event.type === 'generation-end' || event.type === 'generation-error';

/** What the serving endpoint is likely to count, until it says so itself. */
export function meterFor(
  { candidate, fitted }: Winner,
  { startedAt }: Call,
  size: PromptSize,
  { clock }: GatewayPorts,
): Meter {
  const { endpoint } = candidate;
  return new Meter(clock, startedAt, fitted?.promptTokens ?? size.at(endpoint).likely, size.scale(endpoint));
}

/** What our answer says about itself. */
export function answerContext(
  call: Call,
  plan: Plan,
  winner: Winner | undefined,
  execution: () => Execution,
  bill: () => Bill | undefined,
  { roads }: Pick<GatewayPorts, 'roads'>,
): AnswerContext {
  const { request, origin } = call;
  const { echoes } = execution();
  const rates = winner && roads.snapshot.rates(winner.candidate.endpoint);
  return {
    ...askedContext(call),
    model: winner?.candidate.model.id ?? plan.models[0]?.model.id ?? request.model ?? '',
    ...(winner && { provider: winner.candidate.provider.name }),
    cacheWrites: rates ? rates.has('cache-write') || rates.has('cache-write-1h') : false,
    ...(echoes.length > 0 && { echoes }),
    bill,
    ...(origin.wantsMetadata && {
      metadata: () => routerMetadata(plan, execution(), request),
    }),
  };
}
