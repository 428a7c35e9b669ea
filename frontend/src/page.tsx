import { useEffect, useRef, type ReactNode } from "react";

/** A page. Sets the document's title and focuses the heading, so that screen readers announce the page. */
export function Page({
  title,
  narrow = false,
  children,
}: {
  title: string;
  narrow?: boolean;
  children: ReactNode;
}) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · Latchkey`;
    heading.current?.focus();
  }, [title]);
  return (
    <main className={narrow ? "narrow" : "wide"}>
      {narrow && <Brand />}
      <div className="card">
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {children}
      </div>
    </main>
  );
}

export function Brand() {
  return (
    <p className="brand">
      <svg viewBox="0 0 32 32" width="28" height="28" aria-hidden="true">
        <rect width="32" height="32" rx="8" className="brand-ground" />
        <g className="brand-key">
          <circle cx="11.5" cy="16" r="4.5" />
          <path d="M16 16h9.5v4M21 16v3" />
        </g>
      </svg>
      <span>Latchkey</span>
    </p>
  );
}
