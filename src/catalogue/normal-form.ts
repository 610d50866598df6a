import type { Quantization } from './types.ts';

/** A host's id taken apart. What is cut off is kept as a facet; what names a model is never cut. */
export interface NativeId {
  /** Who made it, as the id spells it. */
  readonly lab?: string;
  /** The bare name in lower case, most literal reading first. */
  readonly slugs: readonly [string, ...string[]];
  /** `free`, `thinking` and the like, after a colon. */
  readonly variant?: string;
  readonly region?: string;
  readonly quantization?: Quantization;
}

const VARIANT = /:(free|thinking|extended|beta|online|nitro|floor|exacto|batch)$/;
const REGION = /^(us-gov|us|eu|apac|global|jp|au|ca|in|sa)\.(?=[a-z0-9-]+\.)/;
const VENDOR = /^([a-z0-9]+)\.(?=[a-z])/;
const HOSTING = /-(fp16|bf16|fp8|mxfp8|fp4|mxfp4|nvfp4|int8|int4|awq|gptq|tee|maas)$/;
const PRECISIONS: ReadonlySet<string> = new Set([
  'fp16',
  'bf16',
  'fp8',
  'mxfp8',
  'fp4',
  'mxfp4',
  'nvfp4',
  'int8',
  'int4',
]);

/** Rung N1 of the ladder (spec/reference-site E2): prefixes of platforms, version tails and hosting tails go, nothing else. */
export function nativeId(id: string, isLab: (word: string) => boolean): NativeId {
  let rest = withoutPlatform(id.trim().toLowerCase());
  const variant = VARIANT.exec(rest)?.[1];
  if (variant) rest = rest.replace(VARIANT, '');
  const region = REGION.exec(rest)?.[1];
  if (region) rest = rest.replace(REGION, '');
  const vendor = VENDOR.exec(rest)?.[1];
  if (vendor && isLab(vendor)) return { ...facets(variant, region), ...vendorForm(vendor, rest.replace(VENDOR, '')) };
  const segments = rest.split('/');
  const slug = segments.at(-1) ?? rest;
  const lab = segments.at(-2);
  return { ...facets(variant, region), ...(lab === undefined ? {} : { lab }), ...hosted(slug) };
}

function withoutPlatform(id: string): string {
  return id
    .replace(/^accounts\/[^/]+\/(?:models|routers)\//, '')
    .replace(/^publishers\/([^/]+)\/models\//, '$1/')
    .replace(/^models\//, '')
    .replace(/^(?:[^/]+\/)?@cf\//, '')
    .replace(/^databricks-/, '')
    .replace(/^([a-z0-9]+)--/, '$1/')
    .replace('@', '-');
}

/** `vendor.name-v1:0`: the tail is a version of the packaging, except where the lab itself calls the model `…-v1`. */
function vendorForm(lab: string, name: string): Pick<NativeId, 'lab' | 'slugs'> {
  const literal = name.replace(/:\d+$/, '');
  const bare = literal === name ? name : literal.replace(/-(?:v\d+|\d)$/, '');
  return { lab, slugs: literal === bare ? [literal] : [literal, bare] };
}

function hosted(slug: string): Pick<NativeId, 'slugs' | 'quantization'> {
  // A size after a colon (`gpt-oss:20b`) is part of the name.
  let name = slug.replace(':', '-');
  let precision: string | undefined;
  for (let tail = HOSTING.exec(name); tail; tail = HOSTING.exec(name)) {
    if (tail[1] && PRECISIONS.has(tail[1])) precision = tail[1];
    name = name.slice(0, -tail[0].length);
  }
  return { slugs: [name], ...(precision ? { quantization: precision as Quantization } : {}) };
}

function facets(variant: string | undefined, region: string | undefined): Pick<NativeId, 'variant' | 'region'> {
  return { ...(variant ? { variant } : {}), ...(region ? { region } : {}) };
}

/** The words of a name: `claude-4-5-sonnet`, `claude-sonnet-4.5` and `kimi-k2p6` give their version as one word each. */
export function words(slug: string): readonly string[] {
  const spelled = slug
    .toLowerCase()
    .replace(/(\d{4})-(\d{2})-(\d{2})/g, '$1$2$3')
    .replace(/(?<=\d)p(?=\d)/g, '.');
  const joined: string[] = [];
  for (const part of spelled.split(/[-_ /]+/).flatMap(lettersThenDigits)) {
    const last = joined.at(-1);
    if (last !== undefined && /^\d{1,2}$/.test(part) && /^\d{1,2}(\.\d{1,2})?$/.test(last))
      joined[joined.length - 1] = `${last}.${part}`;
    else joined.push(part);
  }
  return joined;
}

/** `k2.6` → `k`, `2.6`; `8x7b` and `4o` stay whole. */
function lettersThenDigits(part: string): readonly string[] {
  if (part === '') return [];
  const split = /^([a-z]+)(\d.*)$/.exec(part);
  return split?.[1] && split[2] ? [split[1], split[2]] : [part];
}

/** Equal for two spellings of one name; order of words does not matter, every word does. */
export const nameKey = (tokens: readonly string[]): string => tokens.toSorted().join(' ');
