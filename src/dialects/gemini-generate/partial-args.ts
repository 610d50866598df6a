import { asArray, asNumber, asObject, asString, asText, type JsonObject } from '../read.ts';

/** `$.a.b[0]['c d']` as steps: texts are members, numbers places in a list. */
function steps(path: string): readonly (string | number)[] {
  const found = path.matchAll(/\.([^.[\]]+)|\[(\d+)\]|\[(['"])(.*?)\3\]/g);
  return [...found].map(([, member, place, , quoted]) =>
    place === undefined ? (member ?? quoted ?? '') : Number(place),
  );
}

type Container = Record<string | number, unknown>;

/** Without a prototype, so that any member is only a member. */
const container = (next: string | number | undefined): Container =>
  typeof next === 'number' ? ([] as unknown as Container) : (Object.create(null) as Container);

function valueIn(part: JsonObject): unknown {
  if (part.numberValue !== undefined) return asNumber(part.numberValue);
  if (part.boolValue !== undefined) return part.boolValue === true;
  return 'nullValue' in part ? null : (asString(part.stringValue) ?? null);
}

/** Arguments that come value by value, each with its place, and texts in pieces (spec/providers B.3.4). */
export class PartialArguments {
  readonly #root = container(undefined);
  /** Where a text goes on. */
  #unfinished: string | undefined;

  add(parts: unknown): void {
    for (const part of asArray(parts) ?? []) this.#add(asObject(part) ?? {});
  }

  #add(part: JsonObject): void {
    const path = asText(part.jsonPath) ?? '';
    const way = steps(path);
    const last = way.at(-1);
    if (last === undefined) return;
    let at = this.#root;
    for (const [index, step] of way.slice(0, -1).entries()) {
      const inner = at[step];
      const next = typeof inner === 'object' && inner !== null ? (inner as Container) : container(way[index + 1]);
      at[step] = next;
      at = next;
    }
    const before = at[last];
    const value = valueIn(part);
    const goesOn = this.#unfinished === path && typeof before === 'string' && typeof value === 'string';
    at[last] = goesOn ? before + value : value;
    this.#unfinished = part.willContinue === true ? path : undefined;
  }

  text(): string {
    return JSON.stringify(this.#root);
  }
}
