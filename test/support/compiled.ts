/** Imports a module of dist/ with the types of its source. @param file The path in dist/, such as `graphql/schema.js`. */
export function compiled<Module>(file: string): Promise<Module> {
  return import(new URL(`../../dist/${file}`, import.meta.url).href) as Promise<Module>;
}
