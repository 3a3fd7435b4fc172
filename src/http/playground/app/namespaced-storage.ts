/**
 * The part of localStorage under `namespace`. Browsers keep one storage per host and port, and GraphiQL always
 * uses the same keys: without this, another project's GraphiQL that once ran on this port would own our tabs.
 */
export function createNamespacedStorage(storage: Storage, namespace: string): Storage {
  const prefix = `${namespace}:`;
  const ownKeys = () => Object.keys(storage).filter((key) => key.startsWith(prefix));
  return {
    get length() {
      return ownKeys().length;
    },
    key: (index) => ownKeys()[index]?.slice(prefix.length) ?? null,
    getItem: (key) => storage.getItem(prefix + key),
    setItem: (key, value) => storage.setItem(prefix + key, value),
    removeItem: (key) => storage.removeItem(prefix + key),
    clear: () => {
      for (const key of ownKeys()) {
        storage.removeItem(key);
      }
    },
  };
}
