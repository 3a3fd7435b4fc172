export type Language = "en-US" | "zh-CN";

/** CAM says no: what the envelope's `Error` will hold. Messages are never meant for programs; codes are. */
export class CamRefusal extends Error {
  override readonly name = "CamRefusal";
  readonly code: string;
  readonly #chinese: string;

  constructor(code: string, english: string, chinese: string = english) {
    super(english);
    this.code = code;
    this.#chinese = chinese;
  }

  messageIn(language: Language): string {
    return language === "zh-CN" ? this.#chinese : this.message;
  }
}
