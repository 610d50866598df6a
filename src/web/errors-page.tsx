import type { ReactNode } from 'react';
import { ERRORS } from '../canon/errors.ts';
import { Layout } from './layout.tsx';
import { Scrolling } from './parts.tsx';

/** Where the wire's word for a case differs from our code, links with either lead to the row. */
const ALSO: Readonly<Record<string, string>> = { model_unknown: 'model_not_found' };

/** What `docs_url` in an error leads to. */
export function ErrorsPage(): ReactNode {
  return (
    <Layout title="Errors" description="Every error of this gateway by its code." canonical="/docs/errors">
      <h1>Errors</h1>
      <p>
        Every error has a code, a status and a type. Before any content has been sent, most failures of a provider lead
        to another one and are never seen.
      </p>
      <Scrolling label="Errors">
        <table>
          <thead>
            <tr>
              <th scope="col">Code</th>
              <th scope="col" className="num">
                Status
              </th>
              <th scope="col">Type</th>
              <th scope="col">Meaning</th>
            </tr>
          </thead>
          <tbody>
            {Object.entries(ERRORS).map(([code, { status, type, meaning }]) => (
              <tr key={code} id={code}>
                <th scope="row">
                  <code id={ALSO[code]}>{code}</code>
                </th>
                <td className="num">{status}</td>
                <td>
                  <code>{type}</code>
                </td>
                <td>{meaning}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scrolling>
    </Layout>
  );
}
