#include "textflag.h"

// A column block takes 32 bytes per feature: two vectors of four numbers. SSE is
// all that is used of them, which every amd64 has.

// func dotBlock(features []int32, values []float32, b block, sums *columns)
//
// Even and odd features are summed up apart, so that one sum need not wait for
// the other.
TEXT ·dotBlock(SB), NOSPLIT, $0-80
	MOVQ  features_base+0(FP), SI
	MOVQ  features_len+8(FP), CX
	MOVQ  values_base+24(FP), DI
	MOVQ  b_base+48(FP), BX
	MOVQ  sums+72(FP), R8
	XORPS X0, X0
	XORPS X1, X1
	XORPS X2, X2
	XORPS X3, X3
	SUBQ  $2, CX
	JLT   last

pair:
	MOVLQSX (SI), AX
	MOVLQSX 4(SI), DX
	SHLQ    $5, AX
	SHLQ    $5, DX
	MOVSS   (DI), X4
	MOVSS   4(DI), X5
	SHUFPS  $0, X4, X4
	SHUFPS  $0, X5, X5
	MOVUPS  (BX)(AX*1), X6
	MOVUPS  16(BX)(AX*1), X7
	MOVUPS  (BX)(DX*1), X8
	MOVUPS  16(BX)(DX*1), X9
	MULPS   X4, X6
	MULPS   X4, X7
	MULPS   X5, X8
	MULPS   X5, X9
	ADDPS   X6, X0
	ADDPS   X7, X1
	ADDPS   X8, X2
	ADDPS   X9, X3
	ADDQ    $8, SI
	ADDQ    $8, DI
	SUBQ    $2, CX
	JGE     pair

last:
	ADDQ    $1, CX
	JLT     done
	MOVLQSX (SI), AX
	SHLQ    $5, AX
	MOVSS   (DI), X4
	SHUFPS  $0, X4, X4
	MOVUPS  (BX)(AX*1), X6
	MOVUPS  16(BX)(AX*1), X7
	MULPS   X4, X6
	MULPS   X4, X7
	ADDPS   X6, X0
	ADDPS   X7, X1

done:
	ADDPS  X2, X0
	ADDPS  X3, X1
	MOVUPS X0, (R8)
	MOVUPS X1, 16(R8)
	RET

// func addBlock(features []int32, values []float32, by *columns, b block)
TEXT ·addBlock(SB), NOSPLIT, $0-80
	MOVQ   features_base+0(FP), SI
	MOVQ   features_len+8(FP), CX
	MOVQ   values_base+24(FP), DI
	MOVQ   by+48(FP), R8
	MOVQ   b_base+56(FP), BX
	MOVUPS (R8), X0
	MOVUPS 16(R8), X1
	TESTQ  CX, CX
	JEQ    added

each:
	MOVLQSX (SI), AX
	SHLQ    $5, AX
	MOVSS   (DI), X2
	SHUFPS  $0, X2, X2
	MOVAPS  X2, X3
	MULPS   X0, X2
	MULPS   X1, X3
	MOVUPS  (BX)(AX*1), X4
	MOVUPS  16(BX)(AX*1), X5
	ADDPS   X4, X2
	ADDPS   X5, X3
	MOVUPS  X2, (BX)(AX*1)
	MOVUPS  X3, 16(BX)(AX*1)
	ADDQ    $4, SI
	ADDQ    $4, DI
	SUBQ    $1, CX
	JNE     each

added:
	RET

// func fetchRow(later *vector, alpha *columns, features []int32, values []float32)
//
// A line of the cache has 16 features, or 16 values.
TEXT ·fetchRow(SB), NOSPLIT, $0-64
	MOVQ       later+0(FP), AX
	MOVQ       alpha+8(FP), DX
	MOVQ       features_base+16(FP), SI
	MOVQ       features_len+24(FP), CX
	MOVQ       values_base+40(FP), DI
	PREFETCHT0 (AX)
	PREFETCHT0 (DX)
	SUBQ       $1, CX
	JLT        fetched

line:
	PREFETCHT0 (SI)
	PREFETCHT0 (DI)
	ADDQ       $64, SI
	ADDQ       $64, DI
	SUBQ       $16, CX
	JGE        line

fetched:
	RET

// func fetchColumns(features []int32, b block)
TEXT ·fetchColumns(SB), NOSPLIT, $0-48
	MOVQ  features_base+0(FP), SI
	MOVQ  features_len+8(FP), CX
	MOVQ  b_base+24(FP), BX
	TESTQ CX, CX
	JEQ   done

each:
	MOVLQSX    (SI), AX
	SHLQ       $5, AX
	PREFETCHT0 (BX)(AX*1)
	ADDQ       $4, SI
	SUBQ       $1, CX
	JNE        each

done:
	RET
