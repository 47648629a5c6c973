import { isCommon } from './common.ts';
import { suspectForm } from './forms.ts';
import { needlesOf, type Needle } from './needle.ts';
import { suspectForms, trustedForms } from './value-forms.ts';

/** A form of a value, as the pieces of it that are looked up. */
type Pieces = readonly Needle[];

/** Letters and digits of a piece that a value may have been split into: an account has 34 altogether. */
const MAX_PIECE = 32;

/** A text that is looked up: its forms are made when they are needed, and once. */
export class Value {
  readonly text: string;
  #form: string | undefined;
  #pieces: Pieces | undefined;
  #common: boolean | undefined;
  #suspects: readonly Pieces[] | undefined;
  #trusted: readonly Pieces[] | undefined;
  #joinable: string | undefined;

  /** @param form how it stands in untrusted texts, where that is known. */
  constructor(text: string, form?: string) {
    this.text = text;
    this.#form = form;
  }

  /** As it stands in untrusted texts. */
  get form(): string {
    return (this.#form ??= suspectForm(this.text));
  }

  /** The same, to be looked up. */
  get pieces(): Pieces {
    return (this.#pieces ??= needlesOf(this.form));
  }

  get isCommon(): boolean {
    return (this.#common ??= isCommon(this.form));
  }

  /** In each way in which it may stand in untrusted texts. */
  get suspects(): readonly Pieces[] {
    return (this.#suspects ??= [
      ...(this.form === '' ? [] : [this.pieces]),
      ...suspectForms(this.text, this.form).map(needlesOf),
    ]);
  }

  /** In each way in which it may stand in trusted ones. */
  get trusted(): readonly Pieces[] {
    return (this.#trusted ??= trustedForms(this.text).map(needlesOf));
  }

  /** Its letters and digits, where it could be put together with what stands beside it; else nothing. */
  get joinable(): string {
    return (this.#joinable ??= joinable(this.form));
  }
}

function joinable(form: string): string {
  const joined = form.replaceAll(' ', '');
  return joined.length >= 2 && joined.length <= MAX_PIECE ? joined : '';
}
