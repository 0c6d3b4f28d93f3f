export async function tryPackage(_root: string, _args: readonly string[], _version: string): Promise<void> {}
