import { useId, type ReactNode, type Ref } from "react";

/** A part of the account page, which assistive technology can list by its heading. */
export function Section({
  title,
  heading,
  children,
}: {
  title: string;
  /** For moving the focus here, when the button that had it disappears. */
  heading?: Ref<HTMLHeadingElement>;
  children: ReactNode;
}) {
  const id = useId();
  return (
    <section aria-labelledby={id} className="section">
      <h2 id={id} ref={heading} tabIndex={-1}>
        {title}
      </h2>
      {children}
    </section>
  );
}
