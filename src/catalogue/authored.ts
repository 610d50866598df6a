import type { EndpointFile, LabFile, ModelFile, ProviderFile } from './authored-schema.ts';
import type { Decision } from './identify.ts';
import type { Router } from './routers.ts';
import type { Observed, Row } from './row.ts';
import type { AliasPeriod, SandboxRow, Source, TraitRule } from './types.ts';

/** One authored subject: its form, and everything the file says of it as observations. */
export interface AuthoredSubject<Form> {
  readonly file: string;
  readonly id: string;
  readonly form: Form;
  readonly observed: readonly Observed[];
}

export interface AuthoredSource extends Source {
  /** The day the bundled copy of a data set is of. */
  readonly checked: string;
  /** The release date that stands in for models which no source dates. */
  readonly undated?: string;
  /** The day its figures are taken to be of, where its rows do not say. */
  readonly asserted?: string;
  /** It looks again and again, so that what stands in a copy of it was seen more than once. */
  readonly repeated: boolean;
}

/** Everything that people have written down under `catalogue/`. */
export interface Authored {
  readonly sources: readonly AuthoredSource[];
  readonly labs: readonly AuthoredSubject<LabFile>[];
  readonly providers: readonly AuthoredSubject<ProviderFile>[];
  readonly models: readonly AuthoredSubject<ModelFile>[];
  readonly endpoints: readonly AuthoredSubject<EndpointFile>[];
  readonly rows: readonly Row[];
  readonly sandbox: readonly SandboxRow[];
  readonly periods: readonly AliasPeriod[];
  readonly decisions: readonly Decision[];
  readonly traits: readonly TraitRule[];
  readonly routers: readonly Router[];
}
