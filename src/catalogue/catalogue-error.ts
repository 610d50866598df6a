/** Authored data that cannot be used: which file, and why. */
export class CatalogueError extends Error {
  readonly file: string;
  readonly reason: string;

  constructor(file: string, reason: string, options?: ErrorOptions) {
    super(`${file}: ${reason}`, options);
    this.name = 'CatalogueError';
    this.file = file;
    this.reason = reason;
  }
}
