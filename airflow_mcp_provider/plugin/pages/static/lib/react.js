// React, the router and the components: Airflow's UI provides them on globalThis. This is the one file that reads them
// there; tests/unit/plugin/pages/test_pages_contract.py looks for each name in the installed UI.

const provided = (name) => {
  const found = globalThis[name];
  if (found === undefined) throw new Error(`missing globalThis.${name}; expected the UI of Airflow 3.3`);
  const get = (_, key) => {
    if (found[key] === undefined) throw new Error(`missing globalThis.${name}.${String(key)}; expected the UI of Airflow 3.3`);
    return found[key];
  };
  return new Proxy({}, { get });
};

export const {
  Component,
  Fragment,
  createContext,
  createElement: h,
  memo,
  useCallback,
  useContext,
  useEffect,
  useId,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore,
} = provided("React");

export const { Link: RouterLink, useLocation, useNavigate } = provided("ReactRouterDOM");

export const {
  Alert,
  Badge,
  Box,
  Button,
  Code,
  DataList,
  Dialog,
  EmptyState,
  Field,
  Flex,
  Grid,
  HStack,
  Heading,
  Input,
  Link,
  List,
  NativeSelect,
  Portal,
  Span,
  Spinner,
  Table,
  Tabs,
  Tag,
  Text,
  VStack,
  VisuallyHidden,
} = provided("ChakraUI");

// A link inside Airflow's UI: `to` is relative to its base, for example `/dags/crawl`.
export const PageLink = ({ to, children, ...more }) =>
  h(Link, { asChild: true, color: "fg.info", ...more }, h(RouterLink, { to }, children));
