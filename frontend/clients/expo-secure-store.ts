/** The part of expo-secure-store that docs/react-native.md uses, in memory: the real one runs on a phone only. */
const values = new Map<string, string>();

export const AFTER_FIRST_UNLOCK_THIS_DEVICE_ONLY = 4;
interface Options {
  keychainAccessible?: number;
}
export const getItemAsync = async (key: string, _options?: Options) => values.get(key) ?? null;
export const setItemAsync = async (key: string, value: string, _options?: Options) =>
  void values.set(key, value);
export const deleteItemAsync = async (key: string, _options?: Options) => void values.delete(key);
