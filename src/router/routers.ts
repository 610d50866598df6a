import { type GatewayError, gatewayError } from '../canon/errors.ts';
import { fail, ok, type Result } from '../canon/result.ts';
import type { Router } from '../catalogue/routers.ts';
import type { Snapshot } from '../catalogue/snapshot.ts';
import { chooseAuto } from './routers/auto.ts';
import { chooseFree } from './routers/free.ts';
import { choosePareto } from './routers/pareto.ts';
import type { Choice, RouteInput } from './routers/pool.ts';

/** The router that a slug names, and the variants of routing behind it. */
export interface Routed {
  readonly router: Router;
  readonly variants: readonly string[];
}

export function routerOf(snapshot: Snapshot, slug: string): Routed | undefined {
  if (snapshot.routers.size === 0) return undefined;
  const [name = '', ...variants] = slug.toLowerCase().split(':');
  const router = snapshot.routers.get(name);
  return router && { router, variants };
}

/** @returns what the router chose, or `no_endpoints` where nobody is left */
export function choose({ router, variants }: Routed, input: RouteInput): Result<Choice, GatewayError> {
  const choice = chosen(router, variants, input);
  if (choice.slugs.length > 0) {
    // Variants of routing hold for whatever is chosen.
    const suffix = variants.map((variant) => `:${variant}`).join('');
    return ok(suffix === '' ? choice : { ...choice, slugs: choice.slugs.map((slug) => slug + suffix) });
  }
  return fail(
    gatewayError('no_endpoints', 'No models match your request and model restrictions', {
      availability: { code: 'no_endpoints', retryable: false, requestedModels: [router.slug] },
      rule: 'model_restrictions',
    }),
  );
}

function chosen(router: Router, variants: readonly string[], input: RouteInput): Choice {
  if (router.kind === 'auto') return chooseAuto(router, input);
  return router.kind === 'free' ? chooseFree(input) : choosePareto(router, variants, input);
}
