/**
 * Routes check by their own declarations (route.ts), so the framework's JSON Schema compilers have nothing to do.
 * Named here, they are not loaded: about 100 files less at each start.
 */
export const NO_SCHEMAS = {
  compilersFactory: { buildValidator: noSchema, buildSerializer: noSchema },
};

function noSchema(): never {
  throw new Error(
    'a route has a schema of the framework: declare query and body in route() instead',
  );
}
