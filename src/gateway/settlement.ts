import type { GatewayError } from '../canon/errors.ts';
import { tokens, type Usage } from '../canon/units.ts';
import type { Bill } from '../dialects/dialect.ts';
import { wireOf } from '../dialects/operations.ts';
import type { Hold } from '../ledger/books.ts';
import { type Price, price, together, waiver } from '../ledger/price.ts';
import { usdNumber } from '../money/money.ts';
import type { Plan } from '../router/candidate.ts';
import { credentialId } from '../upstream/route.ts';
import type { Call } from './call.ts';
import type { Flip } from './conversations.ts';
import type { Execution, Winner } from './execute.ts';
import type { Meter } from './meter.ts';
import type { GatewayPorts } from './ports.ts';
import { countAnswer, type PromptSize } from './prompt-size.ts';
import { recordOf } from './record.ts';
import { faultOf } from './tool-calls.ts';

/** Differences up to this share, or up to this amount, are rounding. */
const COST_TOLERANCE = 0.02;
const COST_TOLERANCE_USD = 0.0001;

/** Of an answer that has a speed. */
const OUTPUT_TOKENS_MIN = 8;

export interface Settled {
  readonly winner: Winner;
  readonly execution: Execution;
  readonly meter: Meter;
  readonly cancelled: boolean;
}

/** The end of one generation's money: exactly one of `settle` and `void`, and a record either way. */
export class Settlement {
  readonly #call: Call;
  readonly #plan: Plan;
  readonly #size: PromptSize;
  readonly #hold: Hold;
  readonly #ports: GatewayPorts;

  constructor(call: Call, plan: Plan, size: PromptSize, hold: Hold, ports: GatewayPorts) {
    this.#call = call;
    this.#plan = plan;
    this.#size = size;
    this.#hold = hold;
    this.#ports = ports;
  }

  /** Charges what the serving host costs. Resolves when that is on disk, so that whoever is told the price next has been charged it. */
  async settle({ winner, execution, meter, cancelled }: Settled): Promise<Bill> {
    const { books, clock } = this.#ports;
    if (this.#ports.counter) await countAnswer(meter, this.#ports);
    const usage = meter.usage();
    this.#learn(winner, usage, execution);
    const own = this.#price(winner, meter);
    this.#compare(winner, own, usage);
    const partPrices = this.#partPrices(own, execution);
    const priced = partPrices ? together(partPrices) : own;
    const waived = cancelled ? undefined : waiver(usage, meter.finish);
    this.#measure(winner, meter);
    if (meter.finish === 'tool-calls') this.#callsOf(winner, meter);
    this.#notice(winner, execution, meter);
    this.#noticeFinish(winner, meter);
    const flip = waived ? undefined : this.#served(winner, usage, own);
    const record = this.#record({
      execution,
      meter,
      price: priced,
      partPrices,
      flip,
      waived,
      cancelled,
      error: undefined,
      endedAt: clock.monotonic(),
    });
    if (waived) {
      await books.void(this.#hold, record);
      return { costUsd: 0, promptCostUsd: 0, completionCostUsd: 0 };
    }
    // In one step with the end of the hold: a request in between would find the key's limit untouched.
    const settled = books.settle(this.#hold, priced.total, record);
    this.#ports.charged(this.#hold.keyHash, priced.total, this.#hold.createdAt);
    const { sessionId } = this.#call.request;
    if (sessionId !== undefined) this.#ports.brakes.charged(this.#hold.keyHash, sessionId, priced.total);
    await settled;
    return {
      costUsd: usdNumber(priced.total),
      promptCostUsd: usdNumber(priced.prompt),
      completionCostUsd: usdNumber(priced.completion),
    };
  }

  /** The conversation goes on where it is now in a cache. */
  #served({ candidate }: Winner, { counts }: Usage, priced: Price): Flip | undefined {
    const { caller, conversation, request } = this.#call;
    const { conversations, roads } = this.#ports;
    const { snapshot } = roads;
    return conversations.served({
      keyHash: caller.keyHash,
      conversation,
      request,
      snapshot,
      candidate,
      counts,
      price: priced,
    });
  }

  /** What a host made of a prompt that was nothing but text tells how it will count the next one. */
  #learn({ candidate, fitted }: Winner, { counts, estimated }: Usage, { parts }: Execution): void {
    if (fitted) return;
    const { request } = this.#call;
    const text = !parts && request.messages.every(({ parts }) => parts.every(({ kind }) => kind === 'text'));
    if (estimated || !text) return;
    const { endpoint } = candidate;
    this.#ports.calibration.observe(endpoint.id, this.#size.plain(endpoint), tokens(counts, 'input'));
  }

  /** Our price and the provider's own figure are the same sum: where they are not, a price of the catalogue is wrong or a unit is missing. */
  #compare({ candidate }: Winner, { total }: Price, { estimated, reportedCostUsd }: Usage): void {
    if (estimated || reportedCostUsd === undefined || reportedCostUsd < 0) return;
    const computedUsd = usdNumber(total);
    const apart = Math.abs(computedUsd - reportedCostUsd);
    if (apart <= COST_TOLERANCE_USD || apart <= COST_TOLERANCE * reportedCostUsd) return;
    this.#ports.log.error(
      { generation: this.#call.id, endpoint: candidate.endpoint.id, computedUsd, reportedUsd: reportedCostUsd },
      'the provider reports another cost than its prices come to',
    );
  }

  /** What the serving host's prices make of what was used, in the tier it says it served, at the hour the request was accepted. */
  #price({ candidate }: Winner, meter: Meter): Price {
    const { counts } = meter.usage();
    const when = {
      promptTokens: tokens(counts, 'input'),
      at: this.#call.acceptedAt,
      tier: meter.serviceTier ?? candidate.endpoint.tier,
    };
    return price(counts, this.#ports.roads.snapshot.ratesFor(candidate.endpoint, when));
  }

  /** An answer of several hosts costs what all of them cost. */
  #partPrices(last: Price, { parts }: Execution): readonly [...Price[], Price] | undefined {
    return parts && [...parts.map(({ winner, meter }) => this.#price(winner, meter)), last];
  }

  /** Nobody answered, or the answer broke: nothing is charged, the record says why, and what the piece that came would have cost. */
  async void(execution: Execution, meter: Meter | undefined, error: GatewayError): Promise<void> {
    const { books, clock } = this.#ports;
    const cancelled = error.code === 'client_gone';
    if (this.#ports.counter && meter) await countAnswer(meter, this.#ports);
    const { winner } = execution;
    const own = winner && meter?.producedAnything ? this.#price(winner, meter) : undefined;
    const partPrices = own && this.#partPrices(own, execution);
    const broken = partPrices ? together(partPrices) : own;
    await books.void(
      this.#hold,
      this.#record({
        execution,
        meter,
        price: broken,
        partPrices,
        waived: broken && 'failed',
        cancelled,
        error: error.code,
        endedAt: clock.monotonic(),
      }),
    );
  }

  /** Control words in the text mean that the host's server was started without its model's parser. */
  #notice({ candidate }: Winner, { attempts }: Execution, { leaked }: Meter): void {
    const attempt = attempts.at(-1);
    if (leaked === undefined || !attempt) return;
    attempt.leaked = leaked;
    if (!this.#ports.health.misconfigured(candidate.endpoint.id)) return;
    this.#ports.log.warn(
      { generation: this.#call.id, endpoint: candidate.endpoint.id, leaked },
      'the endpoint looks misconfigured: control words of its model came as text',
    );
  }

  /** Speed counts the wait too (spec/inference 5.1), and only where there is enough of an answer to have one. */
  #measure({ candidate, attempt }: Winner, meter: Meter): void {
    if (meter.firstContentMs === undefined) return;
    const now = this.#ports.clock.monotonic();
    const { stream } = this.#call.request;
    const firstContentMs = meter.firstContentMs - (attempt.startedAt - this.#call.startedAt);
    const route = this.#ports.roads.routes.get(candidate.provider.id);
    const seconds = (now - attempt.startedAt) / 1000;
    const output = tokens(meter.usage().counts, 'output');
    this.#ports.health.answered(candidate.endpoint, route ? credentialId(route) : '', {
      firstContentMs: stream ? firstContentMs : undefined,
      tokensPerSecond: output >= OUTPUT_TOKENS_MIN && seconds > 0 ? output / seconds : undefined,
    });
  }

  /** Calls that are not what was declared tell of the host: its parser, its precision, its template. */
  #callsOf({ candidate }: Winner, { calls }: Meter): void {
    const { tools, serverTools } = this.#call.request;
    if (tools.length > 0 && calls.length > 0 && !serverTools)
      this.#ports.health.calledTools(candidate.endpoint.id, faultOf(calls, tools) === undefined);
  }

  /** A host's new word is told once: it may mean more than that the answer is over. */
  #noticeFinish({ candidate: { endpoint, provider } }: Winner, { nativeFinish }: Meter): void {
    const known = wireOf(provider.dialect, this.#call.request.operation?.kind)?.finishWords;
    // A router passes on the words of whoever it asked.
    if (nativeFinish === null || !known || provider.quirks.includes('router-answers')) return;
    if (known.has(nativeFinish.toLowerCase())) return;
    if (this.#ports.health.unknownFinish(endpoint.id, nativeFinish) === 1)
      this.#ports.log.warn(
        { generation: this.#call.id, endpoint: endpoint.id, provider: provider.name, finish: nativeFinish },
        'an answer ended with a word that nobody knows',
      );
  }

  #record(facts: Omit<Parameters<typeof recordOf>[0], 'call' | 'plan'>): Record<string, unknown> {
    return recordOf({ call: this.#call, plan: this.#plan, ...facts });
  }
}
