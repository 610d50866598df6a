import { type EndpointDraft, endpointId } from './build-endpoints.ts';
import { subjectOf } from './fields.ts';
import type { ConflictClass, Fact } from './types.ts';
import { unitSuspicion } from './unit-guard.ts';

type Facts = Record<string, Record<string, Fact>>;

/** So many peers must agree before a price that stands alone is called a thousand times off. */
const PEERS_MIN = 3;
const LEADS = ['price.input', 'price.output'] as const;

/**
 * Holds back prices that look like a mistaken unit or currency beside the same model's other hosts (spec/reference-site A4, rule 2):
 * the lab's own price is the yardstick for currencies, the cheapest of several peers for units. A figure held back is shown as
 * disputed and bills nothing.
 */
export function quarantine(
  facts: Facts,
  drafts: readonly EndpointDraft[],
  operatorOf: (provider: string) => string | undefined,
): Facts {
  const result = { ...facts };
  for (const [model, hosts] of Map.groupBy(drafts, (draft) => draft.model)) {
    const lab = model.split('/')[0];
    const own = hosts.find((host) => operatorOf(host.provider) === lab);
    for (const host of hosts) {
      const subject = subjectOf('endpoint', endpointId(host));
      const sheet = facts[subject];
      if (!sheet || host === own) continue;
      const suspicion = suspicionOf(
        sheet,
        own && facts[subjectOf('endpoint', endpointId(own))],
        peersOf(host, hosts, facts),
      );
      if (suspicion) result[subject] = heldBack(sheet, suspicion);
    }
  }
  return result;
}

function peersOf(host: EndpointDraft, hosts: readonly EndpointDraft[], facts: Facts): readonly Record<string, Fact>[] {
  return hosts
    .flatMap((peer) => (peer === host ? [] : [facts[subjectOf('endpoint', endpointId(peer))] ?? []]))
    .filter((sheet) => 'price.input' in sheet) as Record<string, Fact>[];
}

/** Both lead prices must be off in the same way: one alone is a coincidence. */
function suspicionOf(
  sheet: Record<string, Fact>,
  own: Record<string, Fact> | undefined,
  peers: readonly Record<string, Fact>[],
): ConflictClass | undefined {
  const besideLab = own && common(sheet, own);
  if (besideLab) return besideLab;
  const priced = peers.filter((peer) => typeof peer['price.input']?.value === 'string');
  if (priced.length < PEERS_MIN) return undefined;
  const off = priced.filter((peer) => common(sheet, peer) === 'unit');
  return off.length > 0 && priced.every((peer) => dearer(sheet, peer)) ? 'unit' : undefined;
}

function common(sheet: Record<string, Fact>, other: Record<string, Fact>): 'unit' | 'currency' | undefined {
  const [input, output] = LEADS.map((field) => {
    const [a, b] = [sheet[field]?.value, other[field]?.value];
    return typeof a === 'string' && typeof b === 'string' ? unitSuspicion(a, b) : undefined;
  });
  return input === output ? input : undefined;
}

function dearer(sheet: Record<string, Fact>, peer: Record<string, Fact>): boolean {
  const [a, b] = [sheet['price.input']?.value, peer['price.input']?.value];
  return typeof a === 'string' && typeof b === 'string' && Number(a) > Number(b);
}

function heldBack(sheet: Record<string, Fact>, conflict: ConflictClass): Record<string, Fact> {
  return Object.fromEntries(
    Object.entries(sheet).map(([field, fact]) => {
      if (!field.startsWith('price.') || fact.value === null) return [field, fact];
      const { value, state, source, checked } = fact;
      const held: Fact = {
        ...fact,
        value: null,
        state: 'disputed',
        rule: 'unit-guard',
        dissents: [{ value, state, source, checked, conflict }, ...fact.dissents],
      };
      return [field, held];
    }),
  );
}
