import { seededRandom } from '../../canon/clock.ts';
import { firstFitting } from './auto.ts';
import { type Choice, pooled, type RouteInput } from './pool.ts';

/**
 * One of the models that cost nothing wherever they can be called, and can do what the request needs: each as likely as another, two more
 * behind it (spec/inference 5.9).
 */
export function chooseFree(input: RouteInput): Choice {
  const slugs = pooled(input)
    .filter(({ hosts }) => hosts.every(({ endpoint }) => endpoint.priceState === 'free'))
    .map(({ model }) => model.id);
  const random = seededRandom(input.seed);
  for (let i = slugs.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [slugs[i], slugs[j]] = [slugs[j] as string, slugs[i] as string];
  }
  return { slugs: firstFitting(slugs, input) };
}
