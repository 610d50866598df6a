// The arrows of ARCHITECTURE.md, enforced: which room may import which. Type imports count.
const may = {
  money: [],
  canon: [],
  streams: ['canon'],
  config: ['canon', 'money'],
  catalogue: ['canon', 'money'],
  dialects: ['canon', 'streams'],
  router: ['canon', 'money', 'catalogue'],
  ledger: ['canon', 'money', 'catalogue'],
  accounts: ['canon', 'money'],
  plugins: ['canon', 'streams', 'dialects'],
  upstream: ['canon', 'streams', 'dialects', 'catalogue'],
  gateway: ['canon', 'money', 'streams', 'catalogue', 'dialects', 'router', 'ledger', 'accounts', 'plugins', 'upstream'],
  store: ['canon', 'money', 'ledger', 'accounts'],
  counting: [],
  sandbox: ['canon', 'streams', 'dialects'],
  http: ['canon', 'money', 'dialects', 'gateway', 'accounts', 'ledger', 'catalogue'],
  web: ['canon', 'money', 'catalogue'],
};
const rooms = Object.keys(may);

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    { name: 'not-to-test', severity: 'error', from: { path: '^src/', pathNot: '\\.test\\.tsx?$' }, to: { path: '(\\.test\\.tsx?$|^test/|^bench/)' } },
    ...rooms.map((room) => ({
      name: `room-${room}`,
      severity: 'error',
      from: { path: `^src/${room}/`, pathNot: '\\.test\\.tsx?$' },
      to: { path: '^src/', pathNot: `^src/(${[room, ...may[room]].join('|')})/` },
    })),
    // The store may know what it stores, not how it is used.
    { name: 'store-sees-ports-only', severity: 'error', from: { path: '^src/store/', pathNot: '\\.test\\.tsx?$' }, to: { path: '^src/(ledger|accounts)/', pathNot: '/ports\\.ts$' } },
    {
      name: 'subfolders-are-private',
      severity: 'error',
      from: { path: '^src/([^/]+)/', pathNot: ['^src/cli/', '\\.test\\.tsx?$'] },
      to: { path: '^src/([^/]+)/[^/]+/', pathNot: '^src/$1/' },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^build/' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'types', 'default'],
      extensions: ['.ts', '.tsx', '.js', '.json'],
    },
  },
};
