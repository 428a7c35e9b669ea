import { useEffect, useRef } from "react";
import { Copy } from "./copy";
import { save } from "./save";

/** New recovery codes, which show only here and only now. */
export function RecoveryCodes({ codes }: { codes: string[] }) {
  const first = useRef<HTMLParagraphElement>(null);
  useEffect(() => first.current?.focus(), []);
  const text = `Recovery codes for Latchkey. Each works once.\n\n${codes.join("\n")}\n`;
  return (
    <div className="recovery">
      <p ref={first} tabIndex={-1}>
        Each of these recovery codes signs you in once, in place of the second step: if your phone is lost, for example.
        Keep them where you will find them without it. They are not shown again.
      </p>
      <ul className="codes">
        {codes.map((code) => (
          <li key={code}>
            <code>{code}</code>
          </li>
        ))}
      </ul>
      <div className="choices">
        <button
          type="button"
          className="secondary"
          onClick={() => save("latchkey-recovery-codes.txt", text, "text/plain")}
        >
          Download
        </button>
        <button type="button" className="secondary" onClick={() => window.print()}>
          Print
        </button>
        <Copy text={text}>Copy</Copy>
      </div>
    </div>
  );
}
