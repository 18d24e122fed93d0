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
  useReducer,
  useRef,
  useState,
  useSyncExternalStore,
} = provided("React");

export const { Link: RouterLink, useHref, useLocation, useNavigate, useSearchParams } = provided("ReactRouterDOM");

export const {
  Alert,
  Badge,
  Box,
  Button,
  Card,
  Center,
  Code,
  Collapsible,
  DataList,
  Dialog,
  EmptyState,
  Field,
  Flex,
  Grid,
  HStack,
  Heading,
  IconButton,
  Input,
  Link,
  List,
  NativeSelect,
  NumberInput,
  Portal,
  Progress,
  Separator,
  SimpleGrid,
  Skeleton,
  Span,
  Spinner,
  Stack,
  Stat,
  Switch,
  Table,
  Tabs,
  Tag,
  Text,
  Textarea,
  Tooltip,
  VStack,
  VisuallyHidden,
  Wrap,
} = provided("ChakraUI");

// A link inside Airflow's UI: `to` is relative to its base, for example `/dags/crawl`.
export const PageLink = ({ to, children, ...more }) =>
  h(Link, { asChild: true, color: "fg.info", ...more }, h(RouterLink, { to }, children));
