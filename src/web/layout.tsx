import type { ReactNode } from 'react';
import { asset } from './assets.ts';

export interface Shell {
  readonly title: string;
  readonly description: string;
  readonly canonical: string;
  /** False for pages that say too little to be found by. */
  readonly index?: boolean;
  readonly crumbs?: readonly { readonly href: string; readonly label: string }[];
  readonly children: ReactNode;
}

export function Layout({ title, description, canonical, index = true, crumbs = [], children }: Shell): ReactNode {
  return (
    <html lang="en">
      <head>
        <meta charSet="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>{title}</title>
        <meta name="description" content={description} />
        {!index && <meta name="robots" content="noindex" />}
        <meta name="color-scheme" content="light dark" />
        <link rel="canonical" href={canonical} />
        <link rel="icon" href={asset('icon.svg')} type="image/svg+xml" />
        <link rel="stylesheet" href={asset('styles.css')} />
        <script src={asset('theme.js')} />
        <script src={asset('page.js')} defer />
      </head>
      <body>
        <a className="skip" href="#main">
          Skip to content
        </a>
        <header className="top">
          <nav aria-label="Main">
            <a className="brand" href="/">
              Turnpike
            </a>
            <a href="/models">Models</a>
            <a href="/providers">Providers</a>
            <a href="/openapi.json">API</a>
          </nav>
          <button type="button" className="theme" hidden>
            Theme
          </button>
        </header>
        <main id="main">
          {crumbs.length > 0 && (
            <nav aria-label="Breadcrumb" className="crumbs">
              <ol>
                {crumbs.map(({ href, label }) => (
                  <li key={href}>
                    <a href={href}>{label}</a>
                  </li>
                ))}
              </ol>
            </nav>
          )}
          {children}
        </main>
        <footer>
          <p>
            Every figure names its source and the day it was checked: open the § beside it. Prices are USD per million
            tokens unless a row says otherwise.
          </p>
        </footer>
      </body>
    </html>
  );
}
