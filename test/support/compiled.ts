/** Imports a module of dist/modules/ with the types of its source. @param file The path there, such as `graphql/schema.js`. */
export function compiled<Module>(file: string): Promise<Module> {
  return import(new URL(`../../dist/modules/${file}`, import.meta.url).href) as Promise<Module>;
}
