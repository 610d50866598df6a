import type { ReactNode } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import { assetAt } from './assets.ts';
import { ErrorsPage } from './errors-page.tsx';
import { modelPath, pairPath } from './format.ts';
import { HomePage, ModelPage, ModelsPage, NotFoundPage } from './lists.tsx';
import { PairPage } from './pair.tsx';
import type { PageData, Visit } from './ports.ts';
import { ProviderPage, ProvidersPage } from './provider-pages.tsx';

/** Nothing but what this origin serves (REF-092). */
const POLICY =
  "default-src 'none'; style-src 'self'; script-src 'self'; font-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/**
 * The page at an address; undefined where the address is not one of ours to answer in HTML.
 * @param first the model the start page leads with
 */
export function pageAt(data: PageData, visit: Visit, first: string): Response {
  const { path } = visit;
  if (path.startsWith('/assets/')) return assetAt(path) ?? html(<NotFoundPage data={data} path={path} />, 404);
  if (path === '/') return html(<HomePage data={data} first={data.snapshot.model(first)} visit={visit} />);
  if (path === '/docs/errors') return html(<ErrorsPage />);
  const [head, ...rest] = path.slice(1).split('/').map(plain);
  if (head === 'models') return modelPages(data, visit, rest) ?? html(<NotFoundPage data={data} path={path} />, 404);
  if (head === 'providers') {
    if (rest.length === 0) return html(<ProvidersPage data={data} />);
    const provider = rest.length === 1 ? data.snapshot.provider(rest[0] ?? '') : undefined;
    if (provider) return html(<ProviderPage data={data} provider={provider} />);
  }
  return html(<NotFoundPage data={data} path={path} />, 404);
}

function modelPages(data: PageData, visit: Visit, rest: readonly string[]): Response | undefined {
  if (rest.length === 0) return html(<ModelsPage data={data} visit={visit} />);
  const at = rest.indexOf('on');
  const slug = (at > 0 ? rest.slice(0, at) : rest).join('/');
  const model = data.snapshot.model(slug);
  if (!model) return undefined;
  if (at < 0)
    return model.id === slug ? html(<ModelPage data={data} model={model} visit={visit} />) : moved(modelPath(model.id));
  const provider = data.snapshot.provider((rest[at + 1] ?? '').toLowerCase());
  const endpoint = provider && data.snapshot.endpointsOf(model.id).find((one) => one.provider === provider.id);
  if (!provider || !endpoint || rest.length !== at + 2) return undefined;
  const canonical = pairPath(model.id, provider.id);
  if (`/models/${slug}/on/${rest[at + 1]}` !== canonical) return moved(canonical);
  return html(<PairPage {...{ data, model, provider, endpoint, visit }} />);
}

const moved = (location: string): Response => new Response(null, { status: 308, headers: { location } });

function plain(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

function html(page: ReactNode, status = 200): Response {
  return new Response(`<!doctype html>${renderToStaticMarkup(page)}`, {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': POLICY,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-cache',
    },
  });
}
