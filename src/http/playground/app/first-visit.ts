/** Whether a browser has never shown the playground: GraphiQL stores its tabs as soon as it has drawn them. */
export function isFirstVisit(storage: Storage): boolean {
  return storage.getItem("graphiql:tabState") === null;
}
