/**
 * Whether a pattern means a slug: `*` stands for any run of characters, case is not looked at, and the whole slug must fit (spec/inference
 * 5.9). Walks both once, so that no pattern of a caller's can take long.
 */
export function fitsGlob(pattern: string, slug: string): boolean {
  const wanted = pattern.toLowerCase();
  const text = slug.toLowerCase();
  let at = 0;
  let star = -1;
  let mark = 0;
  let i = 0;
  while (i < text.length) {
    if (wanted[at] === '*') {
      star = at++;
      mark = i;
    } else if (at < wanted.length && wanted[at] === text[i]) {
      at++;
      i++;
    } else if (star >= 0) {
      at = star + 1;
      i = ++mark;
    } else return false;
  }
  while (wanted[at] === '*') at++;
  return at === wanted.length;
}

interface Restrictions {
  readonly allowed_models?: readonly string[];
  readonly excluded_models?: readonly string[];
}

/** Whether a model may be taken: one of the allowed where any are named, and none of the excluded, which win. */
export function permitted(
  modelId: string,
  { allowed_models: allowed, excluded_models: excluded }: Restrictions,
): boolean {
  const slug = modelId.split(':')[0] ?? modelId;
  if (allowed && allowed.length > 0 && !allowed.some((glob) => fitsGlob(glob, slug))) return false;
  return !excluded?.some((glob) => fitsGlob(glob, slug));
}
