import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/** What pages load, all from this origin, each under a name that changes with its content. */
const FILES: Readonly<Record<string, { readonly type: string; readonly path: () => string }>> = {
  'styles.css': { type: 'text/css; charset=utf-8', path: () => join(import.meta.dir, 'assets', 'styles.css') },
  'theme.js': { type: 'text/javascript; charset=utf-8', path: () => join(import.meta.dir, 'assets', 'theme.js') },
  'page.js': { type: 'text/javascript; charset=utf-8', path: () => join(import.meta.dir, 'assets', 'page.js') },
  'icon.svg': { type: 'image/svg+xml', path: () => join(import.meta.dir, 'assets', 'icon.svg') },
  'inter.woff2': {
    type: 'font/woff2',
    path: () => font('@fontsource-variable/inter', 'inter-latin-wght-normal.woff2'),
  },
  'mono.woff2': {
    type: 'font/woff2',
    path: () => font('@fontsource-variable/jetbrains-mono', 'jetbrains-mono-latin-wght-normal.woff2'),
  },
};

const font = (name: string, file: string): string => {
  const manifest = createRequire(import.meta.url).resolve(`${name}/package.json`);
  return join(manifest, '..', 'files', file);
};

interface Asset {
  readonly href: string;
  readonly type: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

const loaded = new Map<string, Asset>();

function load(name: string): Asset {
  const known = loaded.get(name);
  if (known) return known;
  const file = FILES[name];
  if (!file) throw new Error(`no asset ${name}`);
  // A style sheet names its fonts by the addresses they have here.
  const bytes =
    name === 'styles.css'
      ? Buffer.from(
          readFileSync(file.path(), 'utf8').replace(
            /asset\(([\w.]+)\)/g,
            (_, inner: string) => `url(${load(inner).href})`,
          ),
        )
      : readFileSync(file.path());
  const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 10);
  const made = { href: `/assets/${hash}/${name}`, type: file.type, bytes: new Uint8Array(bytes) };
  loaded.set(name, made);
  return made;
}

export const asset = (name: string): string => load(name).href;

/** The file at an address under /assets; undefined for any other. */
export function assetAt(path: string): Response | undefined {
  const name = path.split('/').at(-1) ?? '';
  if (!Object.hasOwn(FILES, name)) return undefined;
  const { href, type, bytes } = load(name);
  if (href !== path) return undefined;
  return new Response(bytes, {
    headers: {
      'content-type': type,
      'cache-control': 'public, max-age=31536000, immutable',
      'x-content-type-options': 'nosniff',
    },
  });
}
