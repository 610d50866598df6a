import { collect, tell } from '../canon/collect.ts';
import { type GatewayError, gatewayError } from '../canon/errors.ts';
import type { GenerationEvent } from '../canon/event.ts';
import { formToHeal, heal } from '../plugins/healing.ts';
import type { Plan } from '../router/candidate.ts';
import type { Call } from './call.ts';
import { type Execution, Walk, type Winner } from './execute.ts';
import type { GatewayPorts } from './ports.ts';
import type { PromptSize } from './prompt-size.ts';
import { answerContext, meterFor } from './relay.ts';
import { withTier } from './service-tier.ts';
import type { Settlement } from './settlement.ts';

/** A whole answer's body, or why there is none. */
export type WholeAnswer =
  | { readonly kind: 'answer'; readonly body: unknown; readonly winner?: Winner; readonly execution: Execution }
  | { readonly kind: 'failed'; readonly error: GatewayError; readonly execution: Execution };

/**
 * One answer that is not streamed. It runs to its end and is billed in full even if the client leaves, because a provider cannot be
 * stopped half-way here (spec/inference 3.6).
 */
export function answerWhole(
  call: Call,
  plan: Plan,
  settlement: Settlement,
  size: PromptSize,
  ports: GatewayPorts,
): Promise<WholeAnswer> {
  const walk = new Walk(call, plan, size, ports);
  const answer = run(walk, call, plan, settlement, size, ports);
  ports.running.track({ cut: () => walk.stop(gatewayError('draining', 'The gateway is shutting down')) }, answer);
  return answer;
}

async function run(
  walk: Walk,
  call: Call,
  plan: Plan,
  settlement: Settlement,
  size: PromptSize,
  ports: GatewayPorts,
): Promise<WholeAnswer> {
  let execution: Execution = { attempts: [], echoes: [] };
  try {
    execution = await walk.run();
    const { winner, error } = execution;
    if (!winner) {
      const told = error ?? gatewayError('internal', 'no attempt and no error');
      const failure = await failed(execution, told, settlement);
      if (!call.dialect.toldAsLength?.has(told.code)) return failure;
      const context = answerContext(
        call,
        plan,
        undefined,
        () => execution,
        () => undefined,
        ports,
      );
      const body = call.dialect.encodeWhole({ blocks: [], finish: 'error', nativeFinish: null, error: told }, context);
      return { kind: 'answer', body, execution };
    }
    const events = (await allEvents(winner)).map((event) => withTier(event, winner.candidate));
    const meter = meterFor(winner, call, size, ports);
    for (const event of events) meter.see(event);
    const collected = collect(events);
    const form = formToHeal(call.request);
    const healed = form && heal(collected, form);
    const generation = healed ? { ...collected, blocks: healed.blocks } : collected;
    if (healed) execution = { ...execution, pipeline: [...(execution.pipeline ?? []), healed.stage] };
    winner.permit.release(generation.error);
    if (generation.error) await settlement.void(execution, meter, generation.error);
    const bill = generation.error ? FREE : await settlement.settle({ winner, execution, meter, cancelled: false });
    const context = answerContext(
      call,
      plan,
      winner,
      () => execution,
      () => bill,
      ports,
    );
    if (call.keeper) {
      for (const event of tell(generation)) call.keeper.see(event);
      call.keeper.keep(meter, context, winner.encoded.dropped);
    }
    const body = call.dialect.encodeWhole({ ...generation, usage: meter.usage() }, context);
    return { kind: 'answer', body, winner, execution };
  } catch (error) {
    execution.winner?.permit.cancel();
    ports.log.error(
      { generation: call.id, error: String(error), stack: (error as Error | undefined)?.stack },
      'an answer failed',
    );
    return await failed(execution, gatewayError('internal', 'Internal Server Error'), settlement);
  }
}

const FREE = { costUsd: 0, promptCostUsd: 0, completionCostUsd: 0 };

async function failed(execution: Execution, error: GatewayError, settlement: Settlement): Promise<WholeAnswer> {
  await settlement.void(execution, undefined, error).catch(() => undefined);
  return { kind: 'failed', error, execution };
}

async function allEvents(winner: Winner): Promise<readonly GenerationEvent[]> {
  const events = [...winner.first];
  while (!winner.attempt.ended) {
    const more = await winner.attempt.read();
    if (more.length === 0) break;
    events.push(...more);
  }
  return events;
}
